// Clients that others wrote talk to the fake Cloud API. `node judge.mjs send` sends everything once with each of them,
// `node judge.mjs hear FILE` lets them judge webhooks: [[body, signature], ...]. Prints one JSON object.
import { readFileSync } from "node:fs";
import Client from "@great-detail/whatsapp";
import { WhatsAppAPI } from "whatsapp-api-js";
import * as m from "whatsapp-api-js/messages";

const { FAKE, TOKEN, SECRET, WORD, NUMBER, WABA, PHONE, USER_ID } = process.env;
const GRAPH = "https://graph.facebook.com";
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64",
);
const PICTURE = new Blob([PNG], { type: "image/png" });
const real = globalThis.fetch;
const guarded = (url, options) => {
  const to = String(url.url ?? url);
  if (!to.startsWith(FAKE)) throw new Error(`${to}: the fake only`);
  return real(url, options);
};
globalThis.fetch = guarded;

const EXAMPLES = [{ param_name: "animal", example: "Bella" }, { param_name: "farm", example: "Hill" }];
const TEMPLATE = {
  name: "judged_v1", language: "en", category: "UTILITY", parameter_format: "NAMED",
  components: [
    {
      type: "BODY", text: "Health alert: {{animal}} at {{farm}} needs you. Please look.",
      example: { body_text_named_params: EXAMPLES },
    },
    { type: "BUTTONS", buttons: [{ type: "QUICK_REPLY", text: "On my way" }] },
  ],
};
const named = (animal) => [
  { type: "body", parameters: [
    { type: "text", parameter_name: "animal", text: animal }, { type: "text", parameter_name: "farm", text: "Hill" }] },
  { type: "button", sub_type: "quick_reply", index: "0", parameters: [{ type: "payload", payload: "v1|ack" }] },
];

async function refusal(work) {
  try {
    const answer = await work();
    return answer?.error?.code ?? null;
  } catch (error) {
    return (error.data ?? await error.response?.json())?.error?.code ?? String(error);
  }
}

async function greatDetail() {
  const request = { retry: 0, headers: { Authorization: `Bearer ${TOKEN}` } };
  const sdk = new Client({ baseUrl: FAKE, graphVersion: "v26.0", request });
  const send = async (body) => {
    const answer = await sdk.message.createMessage({ phoneNumberID: NUMBER, to: PHONE, ...body }).json();
    return answer.messages[0].id;
  };
  const language = { code: "en" };
  const template = (name, components) => send({ type: "template", template: { name, language, components } });
  const interactive = (content) => send({ type: "interactive", interactive: content });
  const rows = [{ id: "1", title: "Bella", description: "Eats less" }];
  const buttons = [{ type: "reply", reply: { id: "y", title: "Yes" } }];
  const made = await sdk.template.create(WABA, TEMPLATE).json();
  const file = { phoneNumberID: NUMBER, file: PICTURE, filename: "a.png", mimeType: "image/png" };
  const { id } = await sdk.media.upload(file).json();
  const number = { phoneNumberID: NUMBER, fields: ["quality_rating"] };
  return {
    template: made.status,
    listed: (await sdk.template.list(WABA, {}).json()).data.map((one) => one.name),
    alert: await template(TEMPLATE.name, named("Bella")),
    unknown: await refusal(() => template("none", [])),
    text: await send({ type: "text", text: { body: "Noted." } }),
    list: await interactive({
      type: "list", body: { text: "Choose" }, action: { button: "Open", sections: [{ title: "Urgent", rows }] },
    }),
    buttons: await interactive({
      type: "button", header: { type: "image", image: { id } }, body: { text: "Bella?" }, action: { buttons },
    }),
    media: (await sdk.media.getURL({ mediaID: id, phoneNumberID: NUMBER }).json()).mime_type,
    number: (await sdk.phoneNumbers.getPhoneNumber(number).json()).quality_rating,
    subscribed: (await sdk.subscribedApps.createSubscription({ businessAccountID: WABA }).json()).success,
  };
}

function apiJs() {
  return new WhatsAppAPI({
    token: TOKEN, appSecret: SECRET, webhookVerifyToken: WORD, v: "v26.0",
    ponyfill: { fetch: (url, options) => guarded(String(url).replace(GRAPH, FAKE), options) },
  });
}

async function whatsappApiJs() {
  const api = apiJs();
  const send = async (message, to = { phone: PHONE }, tracker = undefined) => {
    const answer = await api.sendMessage(NUMBER, to, message, undefined, tracker);
    return answer.messages[0].id;
  };
  const form = new FormData();
  form.set("messaging_product", "whatsapp");
  form.set("file", PICTURE, "a.png");
  const { id } = await api.uploadMedia(NUMBER, form);
  const body = new m.BodyComponent(new m.BodyParameter("Rosa", "animal"), new m.BodyParameter("Hill", "farm"));
  const template = (name) => new m.Template(name, "en", body, new m.PayloadComponent("v1|ack"));
  const list = new m.ActionList("Open", new m.ListSection("Urgent", new m.Row("1", "Bella", "Eats less")));
  const yes = new m.ActionButtons(new m.Button("y", "Yes"));
  const header = new m.Header(new m.Image(id, true));
  return {
    alert: await send(template(TEMPLATE.name), { phone: PHONE }, "outbox-7"),
    unknown: await refusal(() => api.sendMessage(NUMBER, { phone: PHONE }, template("none"))),
    text: await send(new m.Text("Noted.")),
    by_user_id: await send(new m.Text("Noted."), { bsuid: USER_ID }),
    list: await send(new m.Interactive(list, new m.Body("Choose"))),
    buttons: await send(new m.Interactive(yes, new m.Body("Bella?"), header)),
    image: await send(new m.Image(id, true, "72 hours")),
    media: (await api.retrieveMedia(id)).mime_type,
    deleted: (await api.deleteMedia(id)).success,
  };
}

async function hear(file) {
  const webhooks = JSON.parse(readFileSync(file, "utf8"));
  const sdk = new Client();
  const api = apiJs();
  const seen = [];
  api.on.message = ({ from, message }) => seen.push([message.type, from?.phone ?? from]);
  api.on.status = ({ status, biz_opaque_callback_data }) => seen.push([status, biz_opaque_callback_data]);
  const believed = { greatDetail: 0, whatsappApiJs: 0, forged: 0 };
  for (const [raw, signature] of webhooks) {
    const request = { method: "POST", query: {}, body: raw, headers: { "x-hub-signature-256": signature } };
    const event = await sdk.webhook.eventNotification(request);
    await event.verifySignature(SECRET);
    believed.greatDetail += 1;
    await api.post(JSON.parse(raw), raw, signature);
    believed.whatsappApiJs += 1;
    await api.post(JSON.parse(raw), `${raw} `, signature).catch(() => { believed.forged += 1; });
  }
  return { believed, seen };
}

const [verb, file] = process.argv.slice(2);
const sent = async () => ({ greatDetail: await greatDetail(), whatsappApiJs: await whatsappApiJs() });
console.log(JSON.stringify(verb === "send" ? await sent() : await hear(file)));
