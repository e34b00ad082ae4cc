// The farmer's phone: shows one chat as it is, sends taps and texts. Everything that came from outside is set as text.
const $ = (id) => document.getElementById(id);
const TICKS = { sent: "✓", delivered: "✓✓", read: "✓✓" };
const shown = new Map(); // message id -> { element, mark }
let stream = null;
let current = null;

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
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
  const button = make("button", "choice", chosen ? `✓ ${title}` : title);
  button.type = "button";
  button.dir = "auto";
  button.disabled = chosen;
  button.setAttribute("aria-pressed", String(chosen));
  button.addEventListener("click", async () => {
    button.classList.add("waiting");
    if (!await call("api/tap", { phone: current, message: message.id, button: index })) button.classList.remove("waiting");
  });
  return button;
}

function words(message) {
  const line = make("div", "words");
  line.dir = "auto";
  for (const part of message.parts) line.append(part.bold ? make("strong", "", part.text) : part.text);
  return line;
}

function meta(message, format) {
  const line = make("div", "meta");
  const time = make("time", "", format.time.format(message.at_ms));
  time.dateTime = new Date(message.at_ms).toISOString();
  line.append(time);
  if (message.status) {
    const ticks = make("span", `ticks ${message.status}`, TICKS[message.status] ?? "!");
    ticks.setAttribute("role", "img");
    ticks.setAttribute("aria-label", message.status);
    ticks.title = message.status;
    line.append(ticks);
  }
  return line;
}

function auto(className, text) {
  const line = make("div", className, text);
  line.dir = "auto";
  return line;
}

function bubble(message, format) {
  const item = make("li", message.mine ? "message mine" : "message");
  item.dataset.id = message.id;
  const box = make("div", "bubble");
  if (message.quote) box.append(auto("quote", message.quote));
  box.append(words(message));
  if (message.footer) box.append(auto("footer", message.footer));
  box.append(meta(message, format));
  item.append(box);
  if (message.buttons.length) {
    const choices = make("div", "choices");
    choices.append(...message.buttons.map((title, index) => choice(message, title, index)));
    item.append(choices);
  }
  return item;
}

function place(message, format) {
  const mark = JSON.stringify(message);
  const known = shown.get(message.id);
  if (known?.mark === mark) return known.element;
  const element = bubble(message, format);
  if (known) {
    element.style.animation = "none";
    known.element.replaceWith(element);
  }
  shown.set(message.id, { element, mark });
  return element;
}

function showChat(chat, format) {
  const log = $("chat");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const before = log.querySelectorAll(".message").length;
  const wanted = [];
  let day = "";
  for (const message of chat.messages) {
    const its = format.day.format(message.at_ms);
    if (its !== day) wanted.push([`day ${its}`, () => make("li", "day", its)]);
    day = its;
    wanted.push([message.id, () => place(message, format)]);
  }
  if (!wanted.length) wanted.push(["empty", () => make("li", "empty", "No messages yet. Alerts from the farm appear here.")]);
  const old = new Map([...log.children].map((one) => [one.dataset.key, one]));
  wanted.forEach(([key, build], at) => {
    const element = key.startsWith("day ") || key === "empty" ? old.get(key) ?? build() : build();
    element.dataset.key = key;
    if (log.children[at] !== element) log.insertBefore(element, log.children[at] ?? null);
  });
  while (log.children.length > wanted.length) log.lastElementChild.remove();
  if (atEnd || chat.messages.length !== before) log.scrollTop = log.scrollHeight;
}

function showPeople(people) {
  const mark = JSON.stringify([people, current]);
  if ($("people").dataset.mark === mark) return;
  $("people").dataset.mark = mark;
  const focused = document.activeElement?.dataset.number;
  $("people").replaceChildren(...people.map((person) => {
    const button = make("button", "person");
    button.type = "button";
    button.dataset.number = person.number;
    button.setAttribute("aria-current", String(person.number === current));
    const initial = make("span", "initial", person.name.replace("+", "")[0].toUpperCase());
    initial.setAttribute("aria-hidden", "true");
    button.append(initial, make("span", "label", person.name));
    if (person.unread) {
      const badge = make("span", "badge", String(person.unread));
      badge.setAttribute("aria-label", `${person.unread} unread`);
      button.append(badge);
    }
    button.addEventListener("click", () => open(person.number));
    return button;
  }));
  if (focused) $("people").querySelector(`[data-number="${CSS.escape(focused)}"]`)?.focus();
}

function show(chat) {
  const format = formats(chat.zone);
  $("farm").textContent = chat.farm;
  $("owner").textContent = `to ${chat.people.find((person) => person.number === chat.phone)?.name ?? chat.phone}`;
  $("clock").textContent = format.time.format(chat.now_ms);
  $("clock").dateTime = new Date(chat.now_ms).toISOString();
  $("day").textContent = `${format.short.format(chat.now_ms)}, simulated`;
  showPeople(chat.people);
  showChat(chat, format);
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

start();
