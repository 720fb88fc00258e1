// Shows the controls, asks Python for a picture when one of them moves, and shows what comes back. At most one question
// is on its way; what happens meanwhile is asked in one go, so that a fast hand never waits for pictures of the past.

const PATIENCE_MS = 5000;
const SLOW_MS = 300;
const REST_MS = 600;

const NO_ANSWER =
  "No answer from the kernel: run the cell again. If another cell is still running, the answer comes when it has finished.";

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// What can take the focus carries this attribute, or JupyterLab takes its arrow keys and letters for shortcuts.
function focusable(tag, attributes, ...children) {
  return element(tag, { ...attributes, "data-lm-suppress-shortcuts": "true" }, ...children);
}

function menu(control, id) {
  const options = control.texts.map((text, place) => element("option", { value: place }, text));
  const input = focusable("select", { id }, ...options);
  const head = element("label", { for: id }, control.label);
  return {
    body: element("div", { class: "ce-control" }, head, input),
    input,
    read: () => Number(input.value),
    write: (place) => (input.value = place),
  };
}

function slider(control, id) {
  const input = focusable("input", { id, type: "range", min: 0, max: control.texts.length - 1, step: 1 });
  const output = element("output", { for: id, "aria-live": "off" });
  const say = () => {
    output.textContent = control.texts[input.value];
    input.setAttribute("aria-valuetext", output.textContent);
    input.style.setProperty("--ce-filled", `${(100 * input.value) / Math.max(1, input.max)}%`);
  };
  input.addEventListener("input", say);
  const head = element("div", { class: "ce-head" }, element("label", { for: id }, control.label), output);
  return {
    body: element("div", { class: "ce-control" }, head, input),
    input,
    read: () => Number(input.value),
    write: (place) => {
      input.value = place;
      say();
    },
  };
}

const CONTROLS = { choice: menu, slider };

// What the picture has to fit into: the theme, and a screen with one or with two dots for each pixel of the page.
function look() {
  return { dark: document.body.dataset.jpThemeLight === "false", scale: devicePixelRatio > 1.25 ? 2 : 1 };
}

// A Blob URL for the newest bytes; the one before is given back when `replace` is called again.
function blobUrl() {
  let url = null;
  return {
    replace(bytes, type) {
      this.revoke();
      url = URL.createObjectURL(new Blob([bytes], { type }));
      return url;
    },
    revoke() {
      if (url) URL.revokeObjectURL(url);
    },
  };
}

// The line that moves over the picture with the sound, and a click on the picture that moves the sound.
function playhead(audio, stage, timeAxis) {
  const line = element("div", { class: "ce-playhead" });
  line.hidden = true;
  stage.append(line);
  let frame = 0;

  const follow = () => {
    const { left, right, bottom, top, start, end } = timeAxis();
    const share = (audio.currentTime - start) / (end - start);
    line.hidden = share < 0 || share > 1 || (audio.paused && audio.currentTime === 0);
    line.style.left = `${100 * (left + share * (right - left))}%`;
    line.style.top = `${100 * (1 - top)}%`;
    line.style.height = `${100 * (top - bottom)}%`;
    cancelAnimationFrame(frame);
    if (!audio.paused) frame = requestAnimationFrame(follow);
  };
  for (const event of ["play", "pause", "seeked", "loadeddata"]) audio.addEventListener(event, follow);

  stage.addEventListener("click", (event) => {
    const { left, right, start, end } = timeAxis();
    const box = stage.getBoundingClientRect();
    const share = ((event.clientX - box.left) / box.width - left) / (right - left);
    if (share >= 0 && share <= 1) audio.currentTime = start + share * (end - start);
  });
  return { follow, stop: () => cancelAnimationFrame(frame) };
}

function render({ model, el }) {
  const view = Math.random().toString(36).slice(2);
  const { label, controls, has_sound: hasSound } = model.get("_face");

  const parts = controls.map((control) => CONTROLS[control.kind](control, `ce-${view}-${control.name}`));
  const image = element("img");
  const stage = element("div", { class: "ce-stage" }, image);
  const caption = element("figcaption", { "aria-hidden": "true" }); // the picture's alt text says the same
  const status = element("p", { class: "ce-hidden", role: "status", "aria-live": "polite" });
  const error = element("p", { class: "ce-error", role: "alert" });
  const audio = hasSound ? focusable("audio", { controls: "", preload: "auto", "aria-label": "Sound of the picture" }) : null;

  el.append(
    element(
      "section",
      { class: "course-explorer", role: "group", "aria-label": label },
      element("div", { class: "ce-controls" }, ...parts.map((part) => part.body)),
      error,
      element("figure", {}, stage, caption),
      ...(audio ? [audio] : []),
      status,
    ),
  );

  const pictureUrl = blobUrl();
  const soundUrl = blobUrl();
  const marker = audio && playhead(audio, stage, () => model.get("_shown").time_axis);
  let onItsWay = null; // {ticket, asked}: the question that Python has not answered yet
  let newer = null; // when the first change was made that is not part of it
  let slow = 0;
  let patience = null; // runs while the learner waits; a page without a kernel asks for its theme in vain, and quietly

  const giveUp = () => (error.textContent = NO_ANSWER);

  function move(moment) {
    patience ??= setTimeout(giveUp, PATIENCE_MS);
    ask(moment);
  }

  function ask(moment) {
    if (onItsWay) {
      newer ??= moment;
      return;
    }
    onItsWay = { ticket: Math.random(), asked: moment };
    slow = setTimeout(() => stage.classList.add("ce-waiting"), SLOW_MS);
    const places = Object.fromEntries(controls.map((control, n) => [control.name, parts[n].read()]));
    try {
      model.send({ ticket: onItsWay.ticket, places, look: look() });
    } catch {
      giveUp(); // the kernel that made this widget has gone
    }
  }

  function settle(ticket) {
    if (onItsWay?.ticket !== ticket) return null;
    const { asked } = onItsWay;
    clearTimeout(slow);
    clearTimeout(patience);
    stage.classList.remove("ce-waiting");
    onItsWay = patience = null;
    if (newer !== null) {
      move(newer);
      newer = null;
    }
    return asked;
  }

  let said = 0;
  function say(text) {
    clearTimeout(said);
    said = setTimeout(() => (status.textContent = text), REST_MS);
  }

  let picture = null;
  async function show() {
    const shown = model.get("_shown");
    const asked = settle(shown.ticket);
    if (!onItsWay) parts.forEach((part, n) => part.write(shown.places[controls[n].name]));
    error.textContent = shown.error;
    stage.classList.toggle("ce-outdated", Boolean(shown.error));
    if (shown.error || shown.picture === picture) return;
    picture = shown.picture;
    [image.width, image.height] = shown.size.map((pixels) => pixels / shown.look.scale);
    image.src = pictureUrl.replace(shown.picture, "image/jpeg");
    image.alt = shown.caption;
    caption.textContent = shown.caption;
    say(shown.caption);
    marker?.follow();
    await image.decode().catch(() => null); // the next picture has taken its place
    if (asked !== null) {
      performance.clearMeasures("course-explorer");
      performance.measure("course-explorer", { start: asked, end: performance.now() });
    }
  }

  function listen() {
    audio.src = soundUrl.replace(model.get("_sound"), "audio/wav");
  }

  const theme = new MutationObserver(() => ask(performance.now()));
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  parts.forEach((part) => part.input.addEventListener("input", (event) => move(event.timeStamp)));
  model.on("change:_shown", show);
  show();
  if (audio) {
    model.on("change:_sound", listen);
    listen();
  }
  const { dark, scale } = model.get("_shown").look;
  if (look().dark !== dark || look().scale !== scale) ask(performance.now());

  return () => {
    theme.disconnect();
    [slow, patience, said].forEach(clearTimeout);
    marker?.stop();
    pictureUrl.revoke();
    soundUrl.revoke();
  };
}

export default { render };
