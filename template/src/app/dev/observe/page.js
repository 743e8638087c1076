"use strict";
// Draws /data.json, which the server computes: this page does no arithmetic of its own.

const HEIGHT = 150, LEFT = 38, RIGHT = 6, TOP = 8, BOTTOM = 18;
const INTERVAL = 2000;
// Minutes that the charts may show: the fewest that hold all points.
const SPANS = [1, 2, 5, 10];
// A name, its panel and line, and whether a value is bad.
const TILES = [
  ["Requests", "Requests", "requests", () => false],
  ["Server errors", "Errors", "5xx", (value) => value > 0],
  ["Response time, p95", "Response time", "p95", (value, panel) => value > panel.mark[0]],
  ["Cache hits", "Cache hits", "hits", () => false],
  ["Tasks due", "Backlog", "tasks due", () => false],
  ["Dead letters", "Backlog", "dead letters", (value) => value > 0],
];
const byId = (id) => document.getElementById(id);
let data = null, hovered = null;

function element(name, attributes = {}, ...children) {
  const svg = ["svg", "path", "line", "text", "circle"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function written(value) {
  if (value === null || value === undefined) return "–";
  if (value !== 0 && Math.abs(value) < 0.01) return "< 0.01";
  if (Math.abs(value) >= 10000) return `${(value / 1000).toFixed(0)}k`;
  return String(Number(value.toPrecision(3)));
}

function withUnit(value, unit) {
  return value === null || value === undefined || !unit ? written(value) : `${written(value)} ${unit}`;
}

// The top of the axis, at or above the largest value; half of it is a round number too, and a whole one for counts.
function ceiling(largest, unit) {
  if (unit === "%" && largest > 40) return 100;
  const least = unit === "" ? Math.max(largest, 4) : Math.max(largest, 1);
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 4, 6, 10].map((step) => step * power).find((top) => top >= least);
}

function last(values) {
  return values.length ? values[values.length - 1] : null;
}

function chart(panel, times, width) {
  const end = last(times) ?? 0;
  const minutes = SPANS.find((one) => one * 60 >= end - (times[0] ?? 0)) ?? last(SPANS);
  const span = minutes * 60, begin = end - span;
  const values = panel.lines.flatMap((line) => line.values).filter((value) => value !== null);
  const top = ceiling(Math.max(...values, 0), panel.unit);
  const x = (time) => LEFT + ((time - begin) / span) * (width - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const drawn = element("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": panel.title });
  for (const share of [0, 0.5, 1]) {
    const at = y(top * share);
    drawn.append(element("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: at, y2: at }));
    drawn.append(element("text", { x: LEFT - 6, y: at + 3.5, "text-anchor": "end" }, written(top * share)));
  }
  for (const [share, anchor] of [[1, "start"], [0.5, "middle"], [0, "end"]]) {
    const text = share ? `−${minutes * share} min` : "now";
    drawn.append(element("text", { x: x(end - share * span), y: HEIGHT - 4, "text-anchor": anchor }, text));
  }
  if (panel.mark && panel.mark[0] <= top) {
    const at = y(panel.mark[0]);
    drawn.append(element("line", { class: "mark", x1: LEFT, x2: width - RIGHT, y1: at, y2: at }));
    drawn.append(element("text", { x: width - RIGHT, y: at - 4, "text-anchor": "end" }, panel.mark[1]));
  }
  // The first line matters most, so it is drawn last.
  panel.lines.map((line, number) => [line, number]).reverse().forEach(([line, number]) => {
    let path = "", pen = "M";
    line.values.forEach((value, index) => {
      if (value === null) { pen = "M"; return; }
      // A value with none beside it is a dot.
      const alone = pen === "M" && (line.values[index + 1] ?? null) === null;
      path += `${pen}${x(times[index]).toFixed(1)} ${y(Math.min(value, top)).toFixed(1)}${alone ? "h1" : ""}`;
      pen = "L";
    });
    drawn.append(element("path", { d: path, stroke: `var(--line-${number % 5})` }));
  });
  if (hovered !== null && times[hovered] !== undefined) {
    const at = x(times[hovered]);
    drawn.append(element("line", { class: "cursor", x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM }));
  }
  drawn.addEventListener("mousemove", (event) => {
    const box = drawn.getBoundingClientRect();
    const time = begin + (((event.clientX - box.left) / box.width) * width - LEFT) / (width - LEFT - RIGHT) * span;
    const nearest = times.reduce((best, one, index) => Math.abs(one - time) < Math.abs(times[best] - time) ? index : best, 0);
    if (nearest !== hovered) { hovered = nearest; draw(); }
  });
  return drawn;
}

function legend(panel) {
  const list = element("ul", { class: "legend" });
  panel.lines.forEach((line, number) => {
    const value = hovered === null ? last(line.values) : line.values[hovered];
    const item = element("li", {}, `${line.label} `, element("b", {}, withUnit(value ?? null, panel.unit)));
    item.style.setProperty("--line", `var(--line-${number % 5})`);
    list.append(item);
  });
  return list;
}

function tile([name, title, label, bad]) {
  const panel = data.panels.find((one) => one.title === title);
  const line = panel && panel.lines.find((one) => one.label === label);
  if (!line) return "";
  const value = last(line.values);
  return element("div", { class: value !== null && bad(value, panel) ? "tile bad" : "tile" },
    element("p", { class: "unit" }, name),
    element("p", { class: "number" }, withUnit(value, panel.unit)));
}

function draw() {
  document.title = `${data.build.service ?? "Service"}: observe`;
  byId("service").textContent = data.build.service ?? "Waiting for the service";
  byId("build").textContent = data.build.release ? `Release ${data.build.release}, Python ${data.build.python}` : "";
  byId("processes").replaceChildren(...Object.entries(data.processes).map(([name, up]) =>
    element("li", { class: up ? "up" : "down" }, up ? name : `${name} does not answer`)));
  byId("tiles").replaceChildren(...TILES.map(tile));
  // A card's inner width, so that a unit of a chart is a pixel.
  const card = byId("panels").firstElementChild;
  const width = card ? card.clientWidth - 28 : 360;
  byId("panels").replaceChildren(...data.panels.map((panel) => element("article", { class: "card" },
    element("header", {}, element("h2", {}, panel.title), element("span", { class: "unit" }, panel.unit)),
    chart(panel, data.times, width), legend(panel))));
  byId("routes").hidden = !data.routes.length;
  byId("routes").querySelector("tbody").replaceChildren(...data.routes.map((row) => element("tr", {},
    element("td", {}, element("code", {}, row.route)), element("td", {}, written(row.requests)),
    element("td", { class: row.errors ? "bad" : "" }, written(row.errors)), element("td", {}, written(row.p95)))));
  // Only now the width of a card is known.
  if (!card && data.panels.length) draw();
}

async function look() {
  try {
    data = await (await fetch("/data.json")).json();
    if (hovered !== null) hovered = Math.min(hovered, data.times.length - 1);
    draw();
  } catch {
    byId("processes").replaceChildren(element("li", { class: "down" }, "app dev has ended"));
  }
  setTimeout(look, INTERVAL);
}

byId("panels").addEventListener("mouseleave", () => { hovered = null; if (data) draw(); });
look();
