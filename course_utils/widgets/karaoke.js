// The player's time decides which word is lit; a click or a key on a word moves the player's time.

const HELP = "Click a word, or choose one with the arrow keys and press Enter, to play from there.";
const DOUBTS = "Underlined with dots: words that the model doubts.";

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

function wordButton(word) {
  const button = focusable("button", { type: "button", class: "ck-word", tabindex: -1 }, word.text);
  button.title = `${word.start.toFixed(2)} s`;
  if (word.doubtful) {
    button.classList.add("ck-doubtful");
    button.append(element("span", { class: "ck-hidden" }, " (doubtful)"));
  }
  return button;
}

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };

function render({ model, el }) {
  const words = model.get("_words");
  const label = model.get("_label");
  const url = URL.createObjectURL(new Blob([model.get("_sound")], { type: "audio/wav" }));
  const audio = focusable("audio", { controls: "", preload: "auto", "aria-label": label, src: url });
  const buttons = words.map(wordButton);
  const text = element("div", { class: "ck-text", role: "group", "aria-label": "Words" });
  buttons.forEach((button) => text.append(button, " "));
  const help = words.some((word) => word.doubtful) ? `${HELP} ${DOUBTS}` : HELP;
  el.append(
    element(
      "section",
      { class: "course-karaoke", role: "group", "aria-label": label },
      audio,
      text,
      element("p", { class: "ck-help" }, help),
    ),
  );

  let lit = -1;
  let frame = 0;

  function light() {
    const now = audio.currentTime;
    const place = words.findIndex((word) => word.start <= now && now < word.until);
    if (place !== lit) {
      buttons[lit]?.removeAttribute("aria-current");
      buttons[place]?.setAttribute("aria-current", "true");
      lit = place;
    }
    cancelAnimationFrame(frame);
    if (!audio.paused) frame = requestAnimationFrame(light);
  }
  // The first two for a playing sound; timeupdate keeps the words going in a tab that draws no frames.
  for (const event of ["play", "pause", "seeked", "timeupdate"]) audio.addEventListener(event, light);

  function enter(place) {
    buttons.forEach((button, n) => (button.tabIndex = n === place ? 0 : -1)); // one stop for the Tab key
  }

  function jump(place) {
    enter(place);
    audio.currentTime = words[place].start;
    audio.play().catch(() => null); // the widget may be gone before it begins
  }

  buttons.forEach((button, place) => {
    button.addEventListener("click", () => jump(place));
    button.addEventListener("keydown", (event) => {
      if (!(event.key in STEPS)) return;
      event.preventDefault();
      const next = Math.min(Math.max(place + STEPS[event.key], 0), buttons.length - 1);
      enter(next);
      buttons[next].focus();
    });
  });
  enter(0);

  return () => {
    cancelAnimationFrame(frame);
    audio.pause();
    URL.revokeObjectURL(url);
  };
}

export default { render };
