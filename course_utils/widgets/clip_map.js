// Points on a map; the clip of the one that is clicked, or chosen with the keyboard, is played.

const HELP = "Click a point to play it. Arrow keys go from point to point, Enter plays.";
const SIZE = { width: 760, height: 560, margin: 26 };
const SVG = "http://www.w3.org/2000/svg";

// Outlines around (0, 0), all of about the same area.
const SHAPES = {
  o: { tag: "circle", r: 10 },
  s: { tag: "rect", x: -9, y: -9, width: 18, height: 18 },
  "^": { tag: "path", d: "M0,-13 L12,9 L-12,9 Z" },
  D: { tag: "path", d: "M0,-13 L13,0 L0,13 L-13,0 Z" },
  p: { tag: "path", d: "M0,-12 L11.4,-3.7 L7,9.7 L-7,9.7 L-11.4,-3.7 Z" },
  v: { tag: "path", d: "M0,13 L12,-9 L-12,-9 Z" },
};

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const element = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// What can take the focus carries this attribute, or JupyterLab takes its arrow keys and letters for shortcuts.
const FOCUSABLE = { "data-lm-suppress-shortcuts": "true" };

function shape({ shape: name, colour }) {
  const { tag, ...attributes } = SHAPES[name];
  return svg(tag, { ...attributes, fill: colour, class: "cm-shape" });
}

// The part of the plane on which an arrow key looks for a neighbour: a quarter, around its direction.
const SIDES = {
  ArrowRight: ([x, y]) => x > 0 && Math.abs(y) <= x,
  ArrowLeft: ([x, y]) => x < 0 && Math.abs(y) <= -x,
  ArrowUp: ([x, y]) => y > 0 && Math.abs(x) < y,
  ArrowDown: ([x, y]) => y < 0 && Math.abs(x) < -y,
};

function neighbour(places, from, key) {
  let best = from;
  let nearest = Infinity;
  places.forEach((place, n) => {
    const way = [place[0] - places[from][0], place[1] - places[from][1]];
    const distance = Math.hypot(...way);
    if (n !== from && SIDES[key](way) && distance < nearest) [best, nearest] = [n, distance];
  });
  return best;
}

function render({ model, el }) {
  const { label, maps, points, legend } = model.get("_face");
  const sounds = model.get("_sounds");
  const name = (n) => `${points[n].name}, ${legend[points[n].kind].name}`;
  const urls = new Map();

  const marks = points.map((point, n) =>
    svg(
      "g",
      { ...FOCUSABLE, class: "cm-point", role: "button", tabindex: -1, "aria-label": name(n) },
      svg("circle", { r: 17, class: "cm-ring" }),
      shape(legend[point.kind]),
      svg("text", { class: "cm-letter", "aria-hidden": "true" }, point.letter),
    ),
  );
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, class: "cm-picture", role: "group", "aria-label": "Points" },
    ...marks,
  );
  const keys = legend.map((kind) =>
    element("li", {}, svg("svg", { viewBox: "-15 -15 30 30", "aria-hidden": "true" }, shape(kind)), kind.name),
  );
  const menu = element("select", { ...FOCUSABLE });
  maps.forEach((map) => menu.append(element("option", {}, map.name)));
  const hover = element("input", { ...FOCUSABLE, type: "checkbox" });
  const audio = element("audio", { ...FOCUSABLE, controls: "", "aria-label": `${label}: the chosen clip` });
  const status = element("output", { class: "cm-status" }, HELP);
  const controls = element("div", { class: "cm-controls" });
  if (maps.length > 1) controls.append(element("label", {}, "Map ", menu));
  controls.append(element("label", {}, hover, " Play what the pointer touches"));
  el.append(
    element(
      "section",
      { class: "course-clip-map", role: "group", "aria-label": label },
      controls,
      element("ul", { class: "cm-legend", "aria-label": "Classes" }, ...keys),
      picture,
      element("div", { class: "cm-sound" }, audio, status),
    ),
  );

  let places = maps[0].places;
  let chosen = 0;

  function put() {
    places = maps[menu.selectedIndex < 0 ? 0 : menu.selectedIndex].places;
    // Equal scales both ways; a map that is higher than the picture is made to fit it.
    const heights = places.map(([, y]) => Math.abs(y - 0.5));
    const scale = Math.min(SIZE.width - 2 * SIZE.margin, (SIZE.height / 2 - SIZE.margin) / Math.max(...heights, 0.001));
    marks.forEach((mark, n) => {
      const x = SIZE.width / 2 + (places[n][0] - 0.5) * scale;
      const y = SIZE.height / 2 - (places[n][1] - 0.5) * scale;
      mark.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    });
  }

  function show(n) {
    status.textContent = name(n);
    const letter = points[n].letter;
    points.forEach((point, m) => marks[m].classList.toggle("cm-kin", letter !== "" && point.letter === letter));
  }

  function choose(n) {
    marks[chosen].tabIndex = -1; // one stop for the Tab key
    chosen = n;
    marks[n].tabIndex = 0;
  }

  function url(n) {
    if (!urls.has(n)) urls.set(n, URL.createObjectURL(new Blob([sounds[n]], { type: "audio/wav" })));
    return urls.get(n);
  }

  function play(n) {
    choose(n);
    show(n);
    marks.forEach((mark, m) => mark.classList.toggle("cm-heard", m === n));
    audio.src = url(n);
    audio.play().catch(() => {}); // one clip is broken off by the next
  }

  marks.forEach((mark, n) => {
    mark.addEventListener("click", () => play(n));
    mark.addEventListener("focus", () => show(n));
    mark.addEventListener("pointerenter", () => (hover.checked ? play(n) : show(n)));
    mark.addEventListener("keydown", (event) => {
      const ends = { Home: 0, End: points.length - 1 };
      if (event.key === "Enter" || event.key === " ") play(n);
      else if (event.key in ends || event.key in SIDES) {
        const next = ends[event.key] ?? neighbour(places, n, event.key);
        choose(next);
        picture.append(marks[next]); // the last one drawn lies on top
        marks[next].focus();
      } else return;
      event.preventDefault();
    });
  });
  menu.addEventListener("change", put);
  choose(0);
  put();

  return () => {
    audio.pause();
    urls.forEach((address) => URL.revokeObjectURL(address));
  };
}

export default { render };
