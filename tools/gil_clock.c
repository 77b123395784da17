/* Count, by the processor time of the process, how often the thread that runs holds the GIL.
 *
 * The timer counts time on processors alone, so threads that wait for one are not counted, and the
 * kernel interrupts the thread that runs. bench_gil.py compiles this and calls it.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/time.h>

extern int PyGILState_Check(void);

static atomic_long num_held, num_samples;

static void sample(int number) {
    int kept = errno;
    (void)number;
    num_held += PyGILState_Check();
    num_samples++;
    errno = kept;
}

static void every(long microseconds) {
    struct timeval period = {0, microseconds};
    struct itimerval timer = {period, period};
    setitimer(ITIMER_PROF, &timer, NULL);
}

void gil_clock_start(void) {
    struct sigaction action = {.sa_handler = sample, .sa_flags = SA_RESTART};
    sigaction(SIGPROF, &action, NULL);
    num_held = num_samples = 0;
    every(1000);
}

void gil_clock_stop(void) { every(0); }

long gil_clock_held(void) { return num_held; }

long gil_clock_samples(void) { return num_samples; }
