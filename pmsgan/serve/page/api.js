// Requests to the server; an error's text is what the server says.
const tokenPlace = "pmsgan-token";

if (location.hash.startsWith("#token=")) {
  sessionStorage.setItem(tokenPlace, decodeURIComponent(location.hash.slice(7)));
  history.replaceState(null, "", location.pathname);
}

export class Problem extends Error {
  constructor(status, text, retryAfter) {
    super(text);
    this.status = status;
    this.retryAfter = retryAfter; // seconds
  }
}

async function request(path, options = {}) {
  const token = sessionStorage.getItem(tokenPlace);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch {
    throw new Problem(0, "The server does not answer.", 3);
  }
  if (answer.ok) return answer;
  if (answer.status === 401) {
    await askForToken();
    return request(path, options);
  }
  const problem = await answer.json().catch(() => ({ detail: answer.statusText }));
  throw new Problem(answer.status, problem.detail, Number(answer.headers.get("Retry-After")) || 2);
}

let asking = null;

function askForToken() {
  const dialog = document.querySelector("#ask");
  asking ??= new Promise((done) => {
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => {
      sessionStorage.setItem(tokenPlace, document.querySelector("#token").value.trim());
      asking = null;
      done();
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

export const listStyles = async () => (await request("v1/styles")).json();

// Has a result made: of the picture that the server keeps at `kept`, or else of the file.
export async function translate(file, style, options, kept) {
  const query = new URLSearchParams({ ...options, name: file.name });
  if (kept) {
    try {
      return await result(await request(`${kept}?${query}`));
    } catch (problem) {
      if (problem.status !== 404) throw problem;
    }
  }
  const path = `v1/styles/${encodeURIComponent(style)}?${query}`;
  return result(await request(path, { method: "POST", body: file }));
}

async function result(answer) {
  const text = (name) => answer.headers.get(name) ?? "";
  const [width, height] = text("Pmsgan-Size").split("x").map(Number);
  const palette = text("Pmsgan-Palette").split(",").filter(Boolean).map((entry) => entry.split("="));
  return {
    blob: await answer.blob(),
    kept: text("Content-Location").replace(/^\//, ""),
    note: decodeURIComponent(text("Pmsgan-Note")),
    warning: decodeURIComponent(text("Pmsgan-Warning")),
    palette: Object.fromEntries(palette),
    parts: text("Pmsgan-Parts").split(",").filter(Boolean),
    milliseconds: [...text("Server-Timing").matchAll(/dur=([\d.]+)/g)].reduce((sum, it) => sum + Number(it[1]), 0),
    width, height,
  };
}
