// The farmer's phone: shows one chat as it is, sends taps, choices and texts. Everything from outside is set as text.
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const TWICE = "M1 6.5 4.5 10 12 2M8 9l1 1 7.5-8";
const TICKS = { sent: "M2 6.5 5.5 10 13 2", delivered: TWICE, read: TWICE };
const MENU = "M5 7h14M5 12h14M5 17h14";
const DAY_MS = 86_400_000;
const shown = new Map(); // message id -> { element, mark }
let stream = null;
let current = null;
let listOf = null; // the message whose list is open

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function auto(tag, className, text) {
  const element = make(tag, className, text);
  element.dir = "auto";
  return element;
}

function drawing(path, box) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", box);
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "path"));
  svg.firstChild.setAttribute("d", path);
  return svg;
}

function formats(zone) {
  const format = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
  return {
    time: format({ hour: "2-digit", minute: "2-digit" }),
    day: format({ weekday: "long", day: "numeric", month: "long" }),
    short: format({ weekday: "short", day: "numeric", month: "short" }),
  };
}

async function call(path, body) {
  const answer = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  }).catch(() => null);
  say(answer?.ok ? "" : "That did not go through. Is the simulation still running?");
  return Boolean(answer?.ok);
}

function say(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

function choice(message, title, index) {
  const chosen = message.chosen === index;
  const button = auto("button", "choice", chosen ? `✓ ${title}` : title);
  button.type = "button";
  button.disabled = chosen;
  button.setAttribute("aria-pressed", String(chosen));
  button.addEventListener("click", async () => {
    button.classList.add("waiting");
    const went = await call("api/tap", { phone: current, message: message.id, button: index });
    if (!went) button.classList.remove("waiting");
  });
  return button;
}

function menu(message) {
  const button = auto("button", "choice menu");
  button.type = "button";
  button.setAttribute("aria-haspopup", "dialog");
  button.append(drawing(MENU, "0 0 24 24"), make("bdi", "", message.menu));
  button.addEventListener("click", () => openList(message));
  return button;
}

function row(message, { title, text }, index) {
  const button = make("button", "row");
  button.type = "button";
  button.setAttribute("aria-pressed", String(message.chosen === index));
  for (const [tag, words] of [["b", title], ["small", text]]) {
    if (words) button.appendChild(make(tag)).append(make("bdi", "", words));
  }
  button.addEventListener("click", async () => {
    if (await call("api/choose", { phone: current, message: message.id, row: index })) $("sheet").close();
  });
  return button;
}

function openList(message) {
  listOf = message.id;
  $("sheet-title").textContent = message.menu;
  const parts = [];
  message.rows.forEach((one, index) => {
    if (one.section && one.section !== message.rows[index - 1]?.section) parts.push(auto("h4", "", one.section));
    parts.push(row(message, one, index));
  });
  $("rows").replaceChildren(...parts);
  const screen = $("chat").getBoundingClientRect(), phone = $("compose").getBoundingClientRect();
  const lies = { "--left": screen.left, "--wide": screen.width, "--below": innerHeight - phone.bottom };
  for (const [name, px] of Object.entries(lies)) $("sheet").style.setProperty(name, `${px}px`);
  $("sheet").showModal();
  $("rows").dir = getComputedStyle($("sheet-title")).direction; // a cow's Latin name does not turn a row of Urdu round
}

function words(message) {
  const line = auto("div", "words");
  for (const part of message.parts) {
    if (!part.bold) { line.append(part.text); continue; }
    const value = make("strong"); // isolated: a Latin name does not turn a line of Urdu round
    value.append(make("bdi", "", part.text));
    line.append(value);
  }
  return line;
}

function picture(message) {
  const button = make("button", "picture");
  button.type = "button";
  button.setAttribute("aria-label", "Picture: show it large");
  const image = make("img");
  image.src = message.picture;
  image.alt = "Picture sent with this message";
  image.addEventListener("load", () => { if (button.closest(".message")?.matches(":nth-last-child(-n+2)")) toEnd(); });
  button.append(image);
  button.addEventListener("click", () => {
    $("photo").querySelector("img").src = message.picture;
    $("photo").showModal();
  });
  return button;
}

function meta(message, format) {
  const line = make("div", "meta");
  const time = make("time", "", format.time.format(message.at_ms));
  time.dateTime = new Date(message.at_ms).toISOString();
  line.append(time);
  if (TICKS[message.status]) {
    const ticks = make("span", `ticks ${message.status}`);
    ticks.append(drawing(TICKS[message.status], "0 0 18 12"));
    ticks.setAttribute("role", "img");
    ticks.setAttribute("aria-label", message.status);
    ticks.title = message.status;
    line.append(ticks);
  }
  return line;
}

function bubble(message, format) {
  if (message.kind === "system") return make("li", "message note", message.parts.map((part) => part.text).join(""));
  const item = make("li", message.mine ? "message mine" : "message");
  item.dataset.id = message.id;
  const box = make("div", "bubble");
  if (message.quote) box.append(auto("div", "quote", message.quote));
  if (message.picture) { box.append(picture(message)); item.classList.add("pictured"); }
  if (message.link) box.append(make("span", "linked", "A picture from another site; this page shows none of those."));
  if (message.header) box.append(auto("div", "head", message.header));
  if (message.parts.length) box.append(words(message));
  if (message.footer) box.append(auto("div", "footer", message.footer));
  box.append(meta(message, format));
  if (message.reaction) { box.append(make("span", "reaction", message.reaction)); item.classList.add("reacted"); }
  item.append(box);
  const choices = message.buttons.map((title, index) => choice(message, title, index));
  if (message.menu) choices.push(menu(message));
  if (choices.length) {
    item.append(make("div", "choices"));
    item.lastChild.append(...choices);
  }
  return item;
}

function place(message, format) {
  const mark = JSON.stringify(message);
  const known = shown.get(message.id);
  if (known?.mark === mark) return known.element;
  const element = bubble(message, format);
  if (known) {
    const focused = [...known.element.querySelectorAll("button")].indexOf(document.activeElement);
    element.style.animation = "none";
    known.element.replaceWith(element);
    if (focused >= 0) element.querySelectorAll("button")[focused]?.focus({ preventScroll: true });
  }
  shown.set(message.id, { element, mark });
  return element;
}

function dots() {
  const item = make("li", "message typing");
  item.append(make("div", "bubble"));
  item.firstChild.append(make("i"), make("i"), make("i"));
  item.setAttribute("aria-hidden", "true"); // the header says it in words
  return item;
}

function dayName(ms, now_ms, format) {
  const day = format.day.format(ms);
  if (day === format.day.format(now_ms)) return "Today";
  return day === format.day.format(now_ms - DAY_MS) ? "Yesterday" : day;
}

function toEnd() {
  $("chat").scrollTop = $("chat").scrollHeight;
}

function showChat(chat, format) {
  const log = $("chat");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const before = log.querySelectorAll(".message:not(.typing)").length;
  const wanted = [];
  let day = "";
  for (const message of chat.messages) {
    const its = format.day.format(message.at_ms);
    const name = dayName(message.at_ms, chat.now_ms, format);
    if (its !== day) wanted.push([`day ${name}`, () => make("li", "day", name)]);
    day = its;
    wanted.push([message.id, () => place(message, format)]);
  }
  const nothing = "No messages yet. Alerts from the farm appear here.";
  if (!wanted.length) wanted.push(["empty", () => make("li", "empty", nothing)]);
  if (chat.typing) wanted.push(["typing", dots]);
  const fixed = (key) => key.startsWith("day ") || key === "empty" || key === "typing";
  const old = new Map([...log.children].map((one) => [one.dataset.key, one]));
  wanted.forEach(([key, build], at) => {
    const element = fixed(key) ? old.get(key) ?? build() : build();
    element.dataset.key = key;
    if (log.children[at] !== element) log.insertBefore(element, log.children[at] ?? null);
  });
  while (log.children.length > wanted.length) log.lastElementChild.remove();
  if (atEnd || chat.messages.length !== before) toEnd();
}

function person(one, format, now_ms) {
  const button = make("button", "person");
  button.type = "button";
  button.dataset.number = one.number;
  button.setAttribute("aria-current", String(one.number === current));
  const initial = make("span", "initial", [...one.name.replace("+", "")][0]?.toUpperCase() ?? "?");
  initial.setAttribute("aria-hidden", "true");
  const isToday = one.last_ms !== null && format.day.format(one.last_ms) === format.day.format(now_ms);
  const when = one.last_ms === null ? "" : (isToday ? format.time : format.short).format(one.last_ms);
  const count = make("span", "count");
  if (one.unread) {
    count.append(make("span", "badge", String(one.unread)));
    count.firstChild.setAttribute("aria-label", `${one.unread} unread`);
  }
  const last = make("span", "last", one.last_mine ? "You: " : "");
  last.append(make("bdi", "", one.last));
  button.append(initial, auto("span", "label", one.name), make("span", "when", when), last, count);
  button.addEventListener("click", () => { open(one.number); view("chat"); });
  return button;
}

function showPeople(people, format, now_ms) {
  $("back").hidden = people.length < 2;
  const mark = JSON.stringify([people, current]);
  if ($("people").dataset.mark === mark) return;
  $("people").dataset.mark = mark;
  const focused = document.activeElement?.dataset?.number;
  $("people").replaceChildren(...people.map((one) => person(one, format, now_ms)));
  if (focused) $("people").querySelector(`[data-number="${CSS.escape(focused)}"]`)?.focus();
}

function show(chat) {
  const format = formats(chat.zone);
  const name = chat.people.find((one) => one.number === chat.phone)?.name ?? chat.phone;
  const status = chat.typing ? "typing …" : `to ${name}`;
  $("farm").textContent = chat.farm;
  if ($("owner").textContent !== status) $("owner").textContent = status;
  $("clock").textContent = format.time.format(chat.now_ms);
  $("clock").dateTime = new Date(chat.now_ms).toISOString();
  $("day").textContent = format.short.format(chat.now_ms) + (chat.simulated ? ", simulated" : "");
  showPeople(chat.people, format, chat.now_ms);
  showChat(chat, format);
}

function view(name) {
  document.body.dataset.view = name;
  if (name === "list") $("people").querySelector("[aria-current=true]")?.focus();
  else $("chat").focus({ preventScroll: true });
}

function open(number) {
  stream?.close();
  current = number;
  shown.clear();
  $("chat").replaceChildren();
  stream = new EventSource(`api/events?phone=${encodeURIComponent(number)}`);
  stream.onmessage = (event) => { say(""); show(JSON.parse(event.data)); };
  stream.onerror = () => say("The simulation has stopped. Trying again …");
}

async function start() {
  const answer = await fetch("api/phones").catch(() => null);
  const people = answer?.ok ? await answer.json() : [];
  if (people.length) return open(people[0].number);
  $("owner").textContent = answer ? "nobody has a message yet" : "no connection";
  setTimeout(start, 1000);
}

$("compose").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (text && current && await call("api/text", { phone: current, text })) $("text").value = "";
});
$("back").addEventListener("click", () => view("list"));
for (const dialog of [$("sheet"), $("photo")]) {
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
}
// A message is drawn anew when its row is chosen, so the browser cannot give the focus back by itself.
$("sheet").addEventListener("close", () => {
  shown.get(listOf)?.element.querySelector(".menu")?.focus({ preventScroll: true });
});

start();
