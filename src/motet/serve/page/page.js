// The page of the service. All that comes from users or the model is set as text, never as HTML.
"use strict";

const COLOURS = ["#d63031", "#2266cc", "#1a8943", "#ba6800", "#863ab2", "#00838f", "#bf2c7a", "#5c5c14", "#54545e", "#784228"];
const PARALLEL = 4; // requests at a time
const state = { images: [], tasks: [], token: "", running: 0, boxes: [] };
const at = (id) => document.getElementById(id);

function make(tag, fields = {}, ...children) {
  const { dataset, ...rest } = fields;
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, dataset || {});
  element.append(...children);
  return element;
}

async function ask(path, options = {}) {
  const headers = state.token ? { authorization: `Bearer ${state.token}` } : {};
  for (let tries = 0; ; tries += 1) {
    const answer = await fetch(path, { ...options, headers });
    if (answer.status !== 503 || tries === 5) return answer;
    const seconds = Number(answer.headers.get("retry-after")) || 1;
    await new Promise((done) => setTimeout(done, 1000 * Math.min(seconds, 10)));
  }
}

async function lineOf(answer) {
  try {
    return (await answer.json()).error || `status ${answer.status}`;
  } catch {
    return `status ${answer.status}`;
  }
}

async function loadTasks() {
  try {
    const answer = await ask("/tasks");
    at("token-form").hidden = answer.status !== 401;
    if (!answer.ok) return say(answer.status === 401 ? "" : await lineOf(answer));
    const found = await answer.json();
    state.tasks = found.tasks;
    at("tasks").replaceChildren(...found.tasks.map(taskChoice));
    say("");
  } catch {
    say("The service cannot be reached.");
  }
  update();
}

function taskChoice(task, place) {
  const box = make("input", { type: "checkbox", value: task.name, checked: place === 0 });
  box.addEventListener("change", update);
  const needs = task.inputs.includes("text") ? make("small", { textContent: " + text" }) : "";
  return make("label", { title: `${task.target}; reads ${task.inputs.join(", ")}` }, box, make("span", { textContent: task.name }), needs);
}

const readsImages = (task) => task.inputs.some((kind) => kind !== "text");
// Frames of a video, and images to choose from, are one row together.
const together = (task) => task.inputs.includes("video") || (task.target === "Match" && !task.candidates);

function chosen() {
  const names = new Set([...at("tasks").querySelectorAll("input:checked")].map((box) => box.value));
  return state.tasks.filter((task) => names.has(task.name));
}

function update() {
  const tasks = chosen();
  at("text-field").hidden = !tasks.some((task) => task.inputs.includes("text"));
  at("candidates-field").hidden = !tasks.some((task) => task.candidates);
  at("compare-field").hidden = !tasks.some((task) => task.single);
  at("attention-field").hidden = !tasks.some((task) => task.attention);
  at("score-field").hidden = !tasks.some((task) => task.target === "Boxes");
  const hasInput = state.images.length > 0 || tasks.every((task) => !readsImages(task));
  at("run").disabled = !tasks.length || !hasInput || state.running > 0;
}

function say(text) {
  at("message").textContent = text;
}

function add(files) {
  for (const file of files) state.images.push({ file, url: URL.createObjectURL(file) });
  showThumbs();
}

function showThumbs() {
  at("thumbs").replaceChildren(...state.images.map((image, place) => {
    const remove = make("button", { type: "button", textContent: "×", title: `remove ${image.file.name}` });
    remove.addEventListener("click", () => {
      state.images.splice(place, 1);
      showThumbs();
    });
    return make("li", {}, make("img", { src: image.url, alt: image.file.name }), remove);
  }));
  update();
}

function formOf(task, images) {
  const form = new FormData();
  for (const image of readsImages(task) ? images : []) form.append(together(task) ? "images" : "image", image.file, "image");
  if (task.inputs.includes("text")) form.append("text", at("text").value);
  if (task.candidates) for (const line of candidateLines()) form.append("candidate", line);
  return form;
}

const candidateLines = () => at("candidates").value.split("\n").map((line) => line.trim()).filter(Boolean);

// Requests

async function run() {
  const tasks = chosen();
  const [joint, alone] = [tasks.filter(together), tasks.filter((task) => !together(task))];
  const cards = [];
  const work = [];
  state.boxes = [];
  const groups = alone.some(readsImages) ? state.images.map((image) => [[image], alone]) : alone.length ? [[[], alone]] : [];
  if (joint.length) groups.push([state.images, joint]);
  for (const [images, some] of groups) {
    const card = newCard(images, some);
    cards.push(card.element);
    for (const task of some) work.push(() => predict(card, task, images));
  }
  at("results").replaceChildren(...cards);
  if (matchMedia("(max-width: 900px)").matches) cards[0].scrollIntoView({ behavior: "smooth" });
  state.running = work.length;
  update();
  const started = performance.now();
  const next = async () => {
    while (work.length) {
      await work.shift()();
      state.running -= 1;
      say(state.running ? `${state.running} predictions to come` : `done in ${((performance.now() - started) / 1000).toFixed(1)} s`);
      update();
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, next));
}

async function predict(card, task, images) {
  const parts = card.tasks.get(task.name);
  const models = at("compare").checked && task.single ? ["multi", "single"] : ["multi"];
  const answers = await Promise.all(models.map((model) => predictWith(model, task, images)));
  const values = answers.map((answer) => JSON.stringify(answer.value ?? null));
  const differs = values.length === 2 && values[0] !== values[1];
  parts.body.replaceChildren(...answers.map((answer, place) => {
    const who = make("div", { className: differs ? "who differs" : "who" });
    who.textContent = models[place] === "multi" ? "one model for all tasks" : `single-task model${differs ? ": differs" : ""}`;
    const found = answer.kind === "boxes" ? boxesOf(answer.value, card, images, models.length > 1) : shown(answer);
    return make("div", { dataset: { model: models[place] } }, models.length > 1 ? who : "", found);
  }));
  if (at("attention").checked && task.attention) await showAttention(parts, task, images);
}

async function predictWith(model, task, images) {
  const top = at("probabilities").checked ? 5 : 0;
  try {
    const answer = await ask(`/predict/${encodeURIComponent(task.name)}?model=${model}&top=${top}&drawn=true`, {
      method: "POST", body: formOf(task, images),
    });
    return answer.ok ? (await answer.json()).predictions[0] : { error: await lineOf(answer) };
  } catch {
    return { error: "The service cannot be reached." };
  }
}

async function showAttention(parts, task, images) {
  const answer = await ask(`/attention/${encodeURIComponent(task.name)}`, { method: "POST", body: formOf(task, images) });
  if (!answer.ok) return parts.extra.replaceChildren(make("div", { className: "error", textContent: await lineOf(answer) }));
  const url = URL.createObjectURL(await answer.blob());
  return parts.extra.replaceChildren(make("img", { className: "attention", src: url, alt: "what the words attend to" }));
}

// Answers

const stageOf = (image) => make("div", { className: "stage" }, make("img", { src: image.url, alt: image.file.name }));

function newCard(images, tasks) {
  const text = at("text").value;
  const stages = images.map((image) => {
    return make("figure", {}, stageOf(image), make("figcaption", { textContent: image.file.name }));
  });
  if (!images.length) stages.push(make("div", { className: "text-only", textContent: text }));
  const card = { stage: stages[0]?.querySelector(".stage"), tasks: new Map() };
  const rows = tasks.map((task) => {
    const body = make("div", { className: "models" }, make("span", { className: "waiting", textContent: "..." }));
    const extra = make("div");
    card.tasks.set(task.name, { body, extra });
    const copy = make("span", {}, copyButton("Python", () => pythonLine(task, images)), " ", copyButton("curl", () => curlLine(task, images)));
    const title = make("h3", {}, make("span", { textContent: task.inputs.includes("text") && images.length ? `${task.name}: ${text}` : task.name }), copy);
    return make("div", { className: "task", dataset: { task: task.name } }, title, body, extra);
  });
  card.element = make("article", { className: "card" }, make("div", {}, ...stages), make("div", {}, ...rows));
  return card;
}

function shown(answer) {
  const found = make("div");
  if (answer.error) {
    found.append(make("div", { className: "error", textContent: answer.error }));
    return found;
  }
  if (answer.kind === "map") {
    found.append(make("div", { className: "value", textContent: answer.line || answer.value.size.join(" x ") }));
    if (answer.drawn) found.append(make("img", { className: "map", src: `data:image/png;base64,${answer.drawn}`, alt: answer.line }));
    return found;
  }
  const value = answer.kind === "number" ? Number(answer.value.toPrecision(6)) : answer.value;
  found.append(make("div", { className: "value", textContent: value === "" ? "(no word)" : String(value) }));
  const top = answer.scores.top || [];
  if (top.length && "probability" in top[0]) found.append(bars(top));
  else if (top.length) found.append(make("div", { className: "note", textContent: top.map((one) => `${candidateLines()[one.candidate] ?? one.candidate}: ${one.score.toPrecision(3)}`).join(", ") }));
  else if ("log_prob" in answer.scores && at("probabilities").checked && answer.scores.log_prob) {
    found.append(make("div", { className: "note", textContent: `probability of the text ${percent(Math.exp(answer.scores.log_prob))}` }));
  }
  return found;
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

function bars(top) {
  const cells = top.flatMap((one) => {
    const fill = make("div");
    fill.style.width = `${100 * one.probability}%`;
    return [make("span", { textContent: one.name }), make("div", { className: "bar" }, fill), make("span", { textContent: percent(one.probability) })];
  });
  return make("div", { className: "bars" }, ...cells);
}

const minScore = () => Number(at("score").value); // boxes below it are counted, not drawn

function sureBoxes(value) {
  const order = value.scores.map((_, place) => place).sort((a, b) => value.scores[b] - value.scores[a]);
  // Without names there is one box, that of a phrase: it is drawn however unsure.
  return value.names ? order.filter((place) => value.scores[place] >= minScore()) : order.slice(0, 1);
}

const colourOf = (value, place) => COLOURS[value.labels[place] % COLOURS.length];

function nameOf(value, place) {
  return [...(value.described?.[place] || []), value.names ? value.names[place] : "here", value.scores[place].toFixed(2)].join(" ");
}

// Boxes are drawn on the card's image; those of two models that are compared each on an image of their own.
function boxesOf(value, card, images, apart) {
  const found = make("div");
  const stage = apart && images.length ? stageOf(images[0]) : card.stage;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  if (stage) stage.append(svg);
  const list = make("ul", { className: "found" });
  found.append(apart && images.length ? stage : "", list);
  const show = () => {
    list.replaceChildren(...boxItems(value));
    if (stage) drawBoxes(stage, svg, value);
  };
  state.boxes.push(show);
  show();
  return found;
}

function boxItems(value) {
  const sure = sureBoxes(value);
  const items = sure.map((place) => {
    const sign = make("i");
    sign.style.background = colourOf(value, place);
    return make("li", {}, sign, make("span", { textContent: nameOf(value, place) }));
  });
  const rest = value.scores.length - sure.length;
  if (rest) items.push(make("li", { className: "note", textContent: `${rest} more below a score of ${minScore()}` }));
  if (!items.length) items.push(make("li", { className: "note", textContent: "no box" }));
  return items;
}

function drawBoxes(stage, svg, value) {
  const image = stage.querySelector("img");
  if (!image.complete) {
    image.addEventListener("load", () => drawBoxes(stage, svg, value), { once: true });
    return;
  }
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const unit = Math.max(width, height) / 200;
  svg.replaceChildren(...sureBoxes(value).reverse().flatMap((place) => {
    const [x0, y0, x1, y1] = value.boxes_xyxy[place];
    const label = svgPart("text", { x: x0 + 2 * unit, y: Math.max(y0 + 8 * unit, 8 * unit), "font-size": 7 * unit, "stroke-width": unit });
    label.textContent = nameOf(value, place);
    return [svgPart("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, fill: "none", stroke: colourOf(value, place), "stroke-width": unit }), label];
  }));
}

function svgPart(tag, attributes) {
  const part = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
  return part;
}

// Lines to copy

function copyButton(name, line) {
  const button = make("button", { type: "button", textContent: name, title: `copy the ${name} line` });
  button.addEventListener("click", async () => {
    const text = line();
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
      setTimeout(() => { button.textContent = name; }, 1500);
      say(`copied: ${text}`);
    } catch {
      say(text); // no permission, or no https: the line can be selected
    }
  });
  return button;
}

const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const fieldOf = (task) => (together(task) ? "images" : "image");

function curlLine(task, images) {
  const parts = ["curl"];
  if (state.token) parts.push('-H "Authorization: Bearer $MOTET_TOKEN"');
  for (const image of readsImages(task) ? images : []) parts.push(`-F ${shell(`${fieldOf(task)}=@"${image.file.name.replaceAll(/["\\]/g, "\\$&")}"`)}`);
  if (task.inputs.includes("text")) parts.push(`--form-string ${shell(`text=${at("text").value}`)}`);
  if (task.candidates) for (const line of candidateLines()) parts.push(`--form-string ${shell(`candidate=${line}`)}`);
  return [...parts, shell(`${location.origin}/predict/${encodeURIComponent(task.name)}`)].join(" ");
}

function pythonLine(task, images) {
  const files = (readsImages(task) ? images : []).map((image) => `("${fieldOf(task)}", open(${JSON.stringify(image.file.name)}, "rb"))`);
  if (!files.length) files.push('("text", (None, ' + JSON.stringify(at("text").value) + "))");
  const fields = [];
  if (task.inputs.includes("text") && readsImages(task)) fields.push(`"text": ${JSON.stringify(at("text").value)}`);
  if (task.candidates) fields.push(`"candidate": ${JSON.stringify(candidateLines())}`);
  const data = fields.length ? `, data={${fields.join(", ")}}` : "";
  const token = state.token ? ', headers={"Authorization": "Bearer " + os.environ["MOTET_TOKEN"]}' : "";
  const url = JSON.stringify(`${location.origin}/predict/${encodeURIComponent(task.name)}`);
  return `requests.post(${url}, files=[${files.join(", ")}]${data}${token}).json()`;
}

// Enlarging, and the theme

at("results").addEventListener("click", (event) => {
  const stage = event.target.closest(".stage, img.map, img.attention");
  if (!stage) return;
  at("large").replaceChildren(stage.cloneNode(true));
  at("large").showModal();
});
at("large").addEventListener("click", () => at("large").close());

const root = document.documentElement;
const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const nameTheme = () => { at("theme").textContent = isDark() ? "Light" : "Dark"; };
at("theme").addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  nameTheme();
});
nameTheme();

// Events

at("files").addEventListener("change", (event) => {
  add(event.target.files);
  event.target.value = "";
});
for (const name of ["dragover", "dragleave", "drop"]) {
  at("drop").addEventListener(name, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", name === "dragover");
    if (name === "drop") add([...event.dataTransfer.files].filter((file) => file.type.startsWith("image/") || !file.type));
  });
}
at("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  state.token = at("token").value;
  loadTasks();
});
at("run").addEventListener("click", run);
at("score").addEventListener("input", () => {
  at("score-shown").textContent = minScore().toFixed(2);
  for (const show of state.boxes) show();
});
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !at("run").disabled) run();
});
loadTasks();
