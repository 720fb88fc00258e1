// Shows the questions and sends what the learner answers. Nothing here knows a key: Python grades and says what to show.

const CLIPS_PATIENCE_MS = 60000; // making audio may have to load torch first

const NO_ANSWER =
  "No answer from the kernel: run the cell again. If another cell is still running, the answer comes when it has finished.";

const VERDICTS = {
  right: ["check", "Right"],
  wrong: ["cross", "Not yet"],
  shown: ["eye", "The answer"],
  revealed: ["eye", "The model answer"],
  rated: ["eye", "The model answer"],
};

const ICONS = {
  check: "M3.5 8.5l3 3 6-7",
  cross: "M4 4l8 8M12 4l-8 8",
  eye: "M1.5 8C3.5 4.7 5.6 3.5 8 3.5S12.5 4.7 14.5 8C12.5 11.3 10.4 12.5 8 12.5S3.5 11.3 1.5 8M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 1 0 0-3.6",
  hint: "M6 12.5h4M6.5 14.5h3M8 1.5a4.5 4.5 0 0 0-2.5 8.2V11h5V9.7A4.5 4.5 0 0 0 8 1.5",
  up: "M3.5 10L8 5.5l4.5 4.5",
  down: "M3.5 6L8 10.5l4.5-4.5",
};

const MARKUP = new Set(["p", "ul", "ol", "li", "pre", "strong", "em", "code"]);

let count = 0; // makes names and ids unique on the page

// ---- building blocks -------------------------------------------------------------------------------------------

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// What can take the focus carries this attribute, or JupyterLab takes its arrow keys and letters for shortcuts.
function control(tag, attributes, ...children) {
  return element(tag, { ...attributes, "data-lm-suppress-shortcuts": "true" }, ...children);
}

function button(text, onclick, attributes = {}) {
  return control("button", { type: "button", onclick, ...attributes }, ...[text].flat());
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("cq-icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

// A tree of texts and [tag, ...children] as DOM nodes. Texts stay texts.
function markup(nodes) {
  return nodes.map((node) => {
    if (typeof node === "string") return node;
    const [tag, ...children] = node;
    return element(MARKUP.has(tag) ? tag : "span", {}, ...markup(children));
  });
}

// ---- answers, one for each kind: {body, read, write} --------------------------------------------------------------

function choices(view, name) {
  const type = view.several ? "checkbox" : "radio";
  const rows = view.options.map((option) => {
    const input = control("input", { type, name });
    const mark = element("span", { class: "cq-mark" });
    const text = element("span", { class: "cq-text" }, ...markup(option));
    return { input, mark, row: element("label", { class: "cq-option" }, input, text, mark) };
  });
  const note = view.several ? [element("p", { class: "cq-how" }, "Choose every right one.")] : [];
  return {
    body: element("div", { class: "cq-options" }, ...note, ...rows.map(({ row }) => row)),
    read: () => rows.flatMap(({ input }, position) => (input.checked ? [position] : [])),
    write: (response) => rows.forEach(({ input }, position) => (input.checked = (response ?? []).includes(position))),
    mark: (marks) =>
      rows.forEach(({ row, mark }, position) => {
        const kind = marks[position];
        row.dataset.mark = kind ?? "";
        mark.replaceChildren();
        if (kind) mark.append(icon(VERDICTS[kind][0]), element("span", { class: "cq-hidden" }, ` (${kind})`));
      }),
  };
}

function typed(view) {
  const numeric = view.kind === "numeric";
  const input = control("input", {
    type: "text",
    class: "cq-input",
    maxlength: numeric ? 60 : 500,
    autocomplete: "off",
    spellcheck: "false",
    inputmode: numeric && !view.unit ? "decimal" : false,
  });
  const spoken = view.unit ? [element("span", { class: "cq-hidden" }, ` in ${view.unit}`)] : [];
  const unit = view.unit ? [element("span", { "aria-hidden": "true" }, view.unit)] : [];
  const label = element("span", { class: "cq-how" }, "Your answer", ...spoken);
  return {
    body: element("label", { class: "cq-typed" }, label, element("span", { class: "cq-field" }, input, ...unit)),
    read: () => input.value,
    write: (response) => (input.value = response ?? ""),
  };
}

function order(view) {
  const news = element("span", { class: "cq-hidden", role: "status" });
  const list = element("ol", { class: "cq-items" });
  const rows = view.items.map((item) => {
    const text = element("span", { class: "cq-text" }, ...markup(item));
    const move = (name, step) =>
      button(icon(name), () => shift(row, step), { class: "cq-move", "aria-label": `Move ${name}: ${text.textContent}` });
    const row = element("li", { class: "cq-item" }, text, move("up", -1), move("down", 1));
    return row;
  });

  function arrange(arranged) {
    list.append(...arranged);
    arranged.forEach((row, place) => {
      const [up, down] = row.querySelectorAll("button");
      up.setAttribute("aria-disabled", place === 0);
      down.setAttribute("aria-disabled", place === arranged.length - 1);
    });
  }

  function shift(row, step) {
    const arranged = [...list.children];
    const from = arranged.indexOf(row);
    const to = from + step;
    if (to < 0 || to >= arranged.length) return;
    const focused = document.activeElement;
    arranged.splice(to, 0, ...arranged.splice(from, 1));
    arrange(arranged);
    focused.focus(); // moving a node takes its focus away
    news.textContent = `${row.querySelector(".cq-text").textContent}: now ${to + 1} of ${arranged.length}`;
  }

  arrange(rows);
  return {
    body: element("div", {}, element("p", { class: "cq-how" }, "Put these in order, the first on top."), list, news),
    read: () => [...list.children].map((row) => rows.indexOf(row)),
    write: (response) => response && arrange(response.map((position) => rows[position])),
  };
}

function notes() {
  const area = control("textarea", { class: "cq-input", rows: 4, maxlength: 5000 });
  const label = element("span", { class: "cq-how" }, "Your answer, in your own words");
  return {
    body: element("label", { class: "cq-typed" }, label, area),
    read: () => area.value,
    write: () => {},
    writeNotes: (text) => (area.value = text),
  };
}

const ANSWERS = { single: choices, multiple: choices, listen: choices, numeric: typed, text: typed, order, reveal: notes };

// ---- what an answer has earned ------------------------------------------------------------------------------------

function verdict(result) {
  if (result.note) return [element("p", { class: "cq-note" }, ...markup(result.note))];
  if (!result.verdict) return [];
  const [symbol, word] = VERDICTS[result.verdict];
  const date = result.date ? [element("span", { class: "cq-date" }, `answered ${result.date}`)] : [];
  const nodes = [element("p", { class: "cq-verdict" }, icon(symbol), element("strong", {}, word), ...date)];
  nodes.push(...solution(result.solution, result.verdict));
  for (const [label, text] of result.feedback) {
    const about = label ? [element("p", { class: "cq-about" }, ...markup(label))] : [];
    nodes.push(element("div", { class: "cq-feedback" }, ...about, ...markup(text)));
  }
  if (result.explanation) nodes.push(element("div", { class: "cq-why" }, ...markup(result.explanation)));
  return [element("div", { class: "cq-panel", "data-verdict": result.verdict }, ...nodes)];
}

function solution(lines, kind) {
  if (!lines.length) return [];
  if (lines.length === 1) return [element("div", { class: "cq-solution" }, ...markup(lines[0]))];
  return [element("ol", { class: "cq-solution" }, ...lines.map((line) => element("li", {}, ...markup(line))))];
}

function hint(text) {
  return element("div", { class: "cq-hint" }, icon("hint"), element("div", {}, element("strong", {}, "Hint"), ...markup(text)));
}

// ---- one question ---------------------------------------------------------------------------------------------------

function question(view, number, total, ask) {
  const name = `cq-${++count}`;
  const answer = ANSWERS[view.kind](view, name);
  const isReveal = view.kind === "reveal";
  let locked = false;
  let current = null;
  let written = null;

  const send = (type, content = {}) => ask({ type, id: view.id, ...content });
  const check = button(isReveal ? "Show the model answer" : "Check", null, { class: "cq-primary", type: "submit" });
  const moreHints = button("Hint", () => send("hint"));
  const show = button("Show the answer", () => send("show"));
  const again = button("Try again", () => send("again"));
  const ratings = element(
    "div",
    { class: "cq-ratings", role: "group", "aria-label": "Compare with your answer" },
    element("p", { class: "cq-how" }, "Compare: how close was your answer?"),
    ...(view.ratings ?? []).map(([rating, text]) => button(text, () => send("check", { response: rating, notes: answer.read() }))),
  );

  const clips = element("div", { class: "cq-clips" }, view.clips ? "Loading the audio ..." : "");
  const verdictBox = control("div", { class: "cq-result", tabindex: "-1" });
  const hintBox = element("div");
  const waiting = element("p", { class: "cq-waiting" });
  const fieldset = element(
    "fieldset",
    { class: "cq-fieldset", onkeydown: enter },
    element(
      "legend",
      { class: "cq-legend" },
      element("span", { class: "cq-number" }, total > 1 ? `Question ${number} of ${total}` : "Question"),
      element("div", { class: "cq-prompt" }, ...markup(view.prompt)),
    ),
    clips,
    answer.body,
  );
  const status = element("div", { class: "cq-status", role: "status", "aria-atomic": "false" }, verdictBox, hintBox, waiting);
  const form = element(
    "form",
    { novalidate: true, onsubmit: submit },
    fieldset,
    status,
    ratings,
    element("div", { class: "cq-actions" }, check, moreHints, show, again),
  );
  const root = element("section", { class: "cq-question", "data-id": view.id, "data-kind": view.kind }, form);

  // JupyterLab keeps Enter from the browser, which would send the form with it.
  function enter(event) {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches("input")) return;
    event.preventDefault();
    form.requestSubmit();
  }

  function submit(event) {
    event.preventDefault();
    if (locked) return;
    if (isReveal) send("reveal", { notes: answer.read() });
    else send("check", { response: answer.read() });
  }

  function update(result) {
    const text = JSON.stringify(result);
    if (text === current) return;
    const focused = root.contains(document.activeElement) && document.activeElement;
    const reopened = locked && !result.locked;
    const response = JSON.stringify([result.response, result.notes]);
    // A new response comes from here, where the learner may already be typing the next, or from the same question in
    // another quiz.
    if (current === null || result.locked || reopened || (!focused && response !== written)) {
      answer.write(result.response);
      answer.writeNotes?.(result.notes);
    }
    written = response;
    current = text;
    locked = result.locked;
    root.dataset.verdict = result.verdict ?? "";
    fieldset.disabled = locked;
    answer.mark?.(result.marks);
    verdictBox.replaceChildren(...verdict(result));
    result.hints.slice(hintBox.children.length).forEach((text) => hintBox.append(hint(text)));
    if (!result.hints.length) hintBox.replaceChildren();
    check.hidden = locked || result.verdict === "revealed";
    moreHints.hidden = !result.more_hints;
    moreHints.textContent = result.hints.length ? "Another hint" : "Hint";
    show.hidden = !result.may_show;
    again.hidden = !locked;
    ratings.hidden = result.verdict !== "revealed";
    if (focused && reopened) fieldset.querySelector("input, textarea, button").focus();
    else if (focused && focused.matches(":disabled, [hidden], [hidden] *")) verdictBox.focus();
  }

  function play(buffers) {
    const urls = buffers.map((buffer) => URL.createObjectURL(new Blob([buffer], { type: "audio/wav" })));
    clips.replaceChildren(
      ...view.clips.map((label, index) =>
        element(
          "figure",
          { class: "cq-clip" },
          element("figcaption", {}, label),
          control("audio", { controls: true, src: urls[index], "aria-label": label }),
        ),
      ),
    );
    return () => urls.forEach((url) => URL.revokeObjectURL(url));
  }

  function wait(text) {
    waiting.textContent = text;
  }

  function fail(text) {
    wait(text);
    if (!clips.querySelector("audio")) clips.replaceChildren();
  }

  return { root, update, play, wait, fail, send };
}

// ---- the widget -------------------------------------------------------------------------------------------------------

function render({ model, el }) {
  const views = model.get("views");
  const pending = new Map();
  const cleanups = [];
  const progress = element("p", { class: "cq-progress", role: "status" });
  const notice = element("p", { class: "cq-notice", role: "alert" });

  function ask(content) {
    const shown = questions.get(content.id);
    if ([...pending.values()].some((waiting) => waiting.id === content.id && waiting.type === content.type)) return;
    const request = ++count;
    const timer = setTimeout(() => {
      pending.delete(request);
      shown.wait(NO_ANSWER);
    }, content.type === "clips" ? CLIPS_PATIENCE_MS : model.get("patience_ms"));
    pending.set(request, { id: content.id, type: content.type, timer });
    shown.wait("");
    try {
      model.send({ ...content, request });
    } catch {
      // a closed connection: the timer says so
    }
  }

  const questions = new Map(views.map((view, index) => [view.id, question(view, index + 1, views.length, ask)]));

  function update() {
    const results = model.get("results");
    for (const [id, shown] of questions) shown.update(results[id]);
  }

  function updateLines() {
    progress.textContent = model.get("progress");
    notice.textContent = model.get("notice");
    notice.hidden = !notice.textContent;
  }

  function receive(content, buffers) {
    if (content.type === "clips") {
      cleanups.push(questions.get(content.id).play(buffers));
      return;
    }
    const waiting = pending.get(content.request);
    clearTimeout(waiting?.timer);
    pending.delete(content.request);
    if (content.type === "failed") questions.get(content.id).fail(content.text);
    else if (waiting) questions.get(waiting.id).wait("");
    else questions.forEach((shown) => shown.wait(""));
  }

  model.on("change:results", update);
  model.on("change:progress", updateLines);
  model.on("change:notice", updateLines);
  model.on("msg:custom", receive);

  const root = element("div", { class: "course-quiz" }, notice, ...[...questions.values()].map((shown) => shown.root));
  if (views.length > 1) root.append(progress);
  el.append(root);
  update();
  updateLines();
  views.filter((view) => view.clips).forEach((view) => questions.get(view.id).send("clips"));

  return () => {
    model.off("change:results", update);
    model.off("change:progress", updateLines);
    model.off("change:notice", updateLines);
    model.off("msg:custom", receive);
    pending.forEach(({ timer }) => clearTimeout(timer));
    cleanups.forEach((clean) => clean());
  };
}

export default { render };
