"use strict";
// What a board says is only ever set as text.
const board = document.body.dataset.board;
const own = { [document.body.dataset.header]: "1" };
const $ = (id) => document.getElementById(id);
const SECONDS = 8;
const EVERY = 2000; // ms between two looks at the board
const SIGNS = { open: ["✓", "passes"], blocked: ["✗", "blocked"], note: ["–", "remark"], untried: ["?", "not tried"] };
const PERMISSIONS = ["local-network", "loopback-network", "local-network-access"];
let trial = 0;

const fresh = (path, server = board) => `${server}${path}?view=${Date.now()}-${trial++}`;

const say = (text) => {
  $("notice").textContent = text;
  $("notice").hidden = !text;
};

// Picture

let pictureSince = 0;
let hasPicture = false;
let still = false; // pictures one by one, where no stream comes

const showPicture = (path) => {
  hasPicture = false;
  pictureSince = performance.now();
  $("picture").src = fresh(path);
};

const watchPicture = () => {
  const picture = $("picture");
  if (!hasPicture && picture.naturalWidth) {
    hasPicture = true;
    const took = Math.round(performance.now() - pictureSince);
    document.body.dataset.firstPicture ||= String(took);
    $("caption").textContent = `${picture.naturalWidth} × ${picture.naturalHeight}, first picture after ${took} ms`;
    document.querySelector(".frame").classList.remove("stale");
  }
  setTimeout(watchPicture, hasPicture ? 250 : 20);
};

const restartPicture = () => showPicture(still ? "/capture" : "/stream");

const noPicture = () => {
  document.querySelector(".frame").classList.add("stale");
  if (!hasPicture) still = !still;
  $("caption").textContent = `no picture; ${still ? "/capture" : "/stream"} is tried next`;
  setTimeout(restartPicture, EVERY);
};
$("picture").addEventListener("error", noPicture);
if ($("picture").complete && !$("picture").naturalWidth) noPicture(); // it failed before this script ran
$("picture").addEventListener("load", () => {
  if (still) setTimeout(() => showPicture("/capture"), 1000);
});

// What the browser lets this page do

const attempt = async (action) => {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), SECONDS * 1000);
  try {
    return { ok: true, text: String((await action(abort.signal)) ?? "") };
  } catch (error) {
    return { ok: false, text: abort.signal.aborted ? `no answer within ${SECONDS} s` : String(error).slice(0, 200) };
  } finally {
    clearTimeout(timer);
    abort.abort(); // whatever is still being received
  }
};

const get = (path, options) => attempt(async (signal) => (await fetch(fresh(path), { ...options, signal })).status);

// Whether this page may reach this computer itself, at another port.
const reachesComputer = async () =>
  (await attempt(async (signal) => { await fetch(fresh("/", document.body.dataset.control), { mode: "no-cors", signal }); })).ok;

const pixels = () => attempt((signal) => new Promise((resolve, reject) => {
  const picture = new Image();
  picture.crossOrigin = "anonymous";
  picture.onerror = () => reject(new TypeError("the <img> did not load"));
  picture.onload = () => {
    try {
      const canvas = document.createElement("canvas");
      canvas.width = picture.naturalWidth;
      canvas.height = picture.naturalHeight;
      const context = canvas.getContext("2d");
      context.drawImage(picture, 0, 0);
      context.getImageData(0, 0, 1, 1);
      resolve(`${canvas.width} × ${canvas.height}`);
    } catch (error) {
      reject(error);
    }
  };
  signal.addEventListener("abort", () => reject(new TypeError("aborted")));
  picture.src = fresh("/capture");
}));

const readStream = () => attempt(async (signal) => {
  const response = await fetch(fresh("/stream"), { signal });
  const { value } = await response.body.getReader().read();
  return `status ${response.status}, ${value ? value.length : 0} bytes`;
});

const permissions = async () => {
  const states = {};
  for (const name of PERMISSIONS) {
    try {
      states[name] = (await navigator.permissions.query({ name })).state;
    } catch {
      states[name] = "unknown"; // this browser does not know it
    }
  }
  return states;
};

const rig = async (path, options = {}) => {
  const response = await fetch(path, { ...options, headers: own, signal: AbortSignal.timeout(60000) });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
};

const look = async () => {
  const reached = await get("/api/status", { mode: "no-cors" });
  const outcomes = {};
  if (reached.ok) {
    const { putIsSafe } = await rig("/before");
    outcomes.status = await get("/api/status", {});
    outcomes.picture = await pixels();
    outcomes.stream = await readStream();
    outcomes.header = await get("/api/status", { headers: own });
    if (putIsSafe) outcomes.put = await get("/api/status", { method: "PUT", headers: own });
    outcomes.credentials = await get("/api/status", { credentials: "include" });
  }
  const page = { secure: isSecureContext, protocol: location.protocol, loopback: reached.ok || await reachesComputer() };
  return { ...page, reached, permissions: await permissions(), outcomes };
};

// What is shown

const element = (tag, text, name) => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
};

const showLines = (lines) => {
  $("layers").replaceChildren(...lines.map((line) => {
    const item = element("li", "", `is-${line.state}`);
    item.dataset.key = line.key;
    const [sign, words] = SIGNS[line.state];
    const mark = element("span", sign, "sign");
    mark.setAttribute("role", "img");
    mark.setAttribute("aria-label", words);
    const text = element("div", "");
    const first = element("p", "");
    first.append(element("b", line.layer), `: ${line.text}`);
    text.append(first);
    if (line.advice) text.append(element("p", line.advice, "soft"));
    if (line.code) text.append(element("code", line.code));
    item.append(mark, text);
    return item;
  }));
};

const showStatus = (account, byPage) => {
  $("status").replaceChildren(...account.rows.map(([name, value]) => {
    const row = document.createElement("div");
    row.append(element("dt", name), element("dd", value));
    return row;
  }));
  $("status").hidden = !account.rows.length;
  $("whose").textContent = !account.rows.length
    ? `no JSON from ${board}/api/status`
    : byPage ? "of /api/status, which this page may read" : "of /api/status, read by camrig: this page may not";
};

let mayRead = false;
let isTrying = false;

const tryLayers = async () => {
  if (isTrying) return;
  isTrying = true;
  $("again").disabled = true;
  $("layers").setAttribute("aria-busy", "true");
  try {
    const seen = await look();
    const account = await rig("/lines", { method: "POST", body: JSON.stringify(seen) });
    mayRead = Boolean(seen.outcomes.status?.ok);
    showLines(account.lines);
    showStatus(account, mayRead);
    document.body.dataset.tried = String(Number(document.body.dataset.tried || 0) + 1);
  } catch (error) {
    say(`camrig view does not answer (${error}). Start it again, and reload this page.`);
  }
  $("layers").setAttribute("aria-busy", "false");
  $("again").disabled = false;
  isTrying = false;
};

// A board that goes away and comes back

let wasReached = true;
let lastUptime = null;

const watchBoard = async () => {
  try {
    const account = isTrying ? null : await rig("/state");
    if (account) {
      const restarted = account.uptime !== null && lastUptime !== null && account.uptime + 1 < lastUptime;
      const isBack = account.reached && (!wasReached || restarted);
      if (!account.reached) {
        document.querySelector(".frame").classList.add("stale");
        say(`The board does not answer: ${account.error}. This page goes on trying.`);
      } else if (isBack) {
        say(`The board has ${restarted ? "restarted" : "come back"} at ${new Date().toLocaleTimeString()}. ${account.notice}`);
      }
      if (account.reached !== wasReached || isBack) {
        wasReached = account.reached;
        if (isBack) {
          still = false;
          restartPicture();
        }
        await tryLayers();
      } else if (account.reached) showStatus(account, mayRead);
      lastUptime = account.reached ? account.uptime : lastUptime;
    }
  } catch (error) {
    say("camrig view has ended. Start it again, and reload this page.");
  }
  setTimeout(watchBoard, EVERY);
};

$("again").addEventListener("click", tryLayers);
watchPicture();
tryLayers().then(watchBoard);
