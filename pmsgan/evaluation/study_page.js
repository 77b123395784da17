const form = document.querySelector("form");
const fields = [...document.querySelectorAll("fieldset")];
const status = document.querySelector("#status");
const plan = JSON.parse(form.dataset.plan);
const person = crypto.getRandomValues(new Uint32Array(4)).join("-"); // tells answers saved twice
const chosen = (field) => field.querySelector("input:checked");

function tell() {
  const left = fields.filter((field) => !chosen(field)).length;
  status.textContent = left ? left + " pictures left to rate" : "All pictures are rated";
  for (const field of fields) {
    field.classList.toggle("done", Boolean(chosen(field)));
  }
  return left;
}

form.addEventListener("change", tell);

// 1 to 5 rate the picture in focus, and go on to the next one.
form.addEventListener("keydown", (event) => {
  const field = event.target.closest("fieldset");
  const isShortcut = event.repeat || event.ctrlKey || event.altKey || event.metaKey;
  if (!field || isShortcut || !/^[1-5]$/.test(event.key)) return;
  field.querySelector(`input[value="${event.key}"]`).click();
  const next = fields[fields.indexOf(field) + 1];
  (next ? next.querySelector("input") : form.querySelector("button")).focus();
  event.preventDefault();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (tell()) {
    fields.find((field) => !chosen(field)).querySelector("input").focus();
    return;
  }
  const answers = {
    kind: "answers",
    person,
    ...plan,
    answers: fields.map((field) => ({
      picture: field.dataset.picture,
      method: plan.methods[Number(field.dataset.method)],
      level: Number(chosen(field).value),
    })),
  };
  const link = document.createElement("a");
  const text = JSON.stringify(answers, null, 2) + "\n";
  link.href = "data:application/json;charset=utf-8," + encodeURIComponent(text);
  link.download = "answers-" + new Date().toISOString().replace(/[:.]/g, "-") + ".json";
  link.click();
  status.textContent = "Saved as " + link.download + "; please send this file back";
});

tell();
