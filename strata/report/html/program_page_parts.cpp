#include "strata/report/html/program_page_parts.h"

namespace strata::report {
namespace {

constexpr std::string_view kStyle =
    R"css(:root{--argument:#e3e8ef;--constant:#eceff3;--result:#cfd6e0;--contraction:#cfe0fb;--reduction:#fbdfc6;--elementwise:#cdeee5;--movement:#f6e3f0;--other:#e8e2fa;--host:#f6f0bf;--copy:#fbdcda;--edge:#9aa5b5;--pick:#d4690f}
@media (prefers-color-scheme:dark){:root{--argument:#2b313b;--constant:#262b33;--result:#3a4350;--contraction:#1f3c66;--reduction:#5a3a1c;--elementwise:#17483d;--movement:#512a43;--other:#3a2f66;--host:#4b4718;--copy:#5a2724;--edge:#6b7687;--pick:#f7a452}}
header{padding:14px 20px 10px;border-bottom:1px solid var(--rule);background:var(--surface)}
header h1{font-size:22px}
header p{margin:2px 0 10px;color:var(--muted);font-size:14px;max-width:none}
.tools{display:flex;flex-wrap:wrap;gap:8px;align-items:center;font-size:14px}
.tools input{flex:0 1 340px;min-width:160px}
input,select,button{font:inherit;font-size:14px;color:var(--ink);background:var(--page);border:1px solid var(--rule);border-radius:6px;padding:4px 9px}
button{cursor:pointer}
button:hover{border-color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
.legend{display:flex;flex-wrap:wrap;gap:4px 14px;margin-top:9px;font-size:12.5px;color:var(--muted)}
.legend i{display:inline-block;width:12px;height:12px;border-radius:3px;border:1px solid var(--edge);margin-right:5px;vertical-align:-2px}
#split{display:flex;height:68vh;min-height:420px;border-bottom:1px solid var(--rule)}
#graphs{flex:3 1 0;min-width:0;background:var(--page);overflow:hidden}
svg.graph{display:none;width:100%;height:100%;cursor:grab;touch-action:none;outline-offset:-2px}
svg.graph.shown{display:block}
svg.graph.held{cursor:grabbing}
#detail{flex:2 1 0;min-width:300px;overflow:auto;background:var(--surface);border-left:1px solid var(--rule);padding:14px 18px;font-size:14px}
#detail h2{margin:0 0 2px;font-size:17px;overflow-wrap:anywhere}
#detail .where{color:var(--muted);margin:0 0 8px;overflow-wrap:anywhere}
#detail dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:0 0 10px}
#detail dt{color:var(--muted)}
#detail dd{margin:0;overflow-wrap:anywhere}
#detail details{margin:0 0 8px;border-radius:8px}
#detail summary{padding:6px 12px;font-size:14px}
#detail pre{font-size:12px;line-height:1.45;padding:8px 12px;white-space:pre;overflow:auto;max-height:60vh}
.refused{color:var(--pick);font-weight:600}
.none{color:var(--muted)}
.edges path{fill:none;stroke:var(--edge);stroke-width:1.2}
.edges path.far{display:none}
.edges path.on{display:inline;stroke:var(--pick);stroke-width:2.2}
.node{cursor:pointer}
.node rect{stroke:var(--edge);stroke-width:1}
.node text{font:11px system-ui,"DejaVu Sans",sans-serif;fill:var(--muted)}
.node text.t{font-size:13px;font-weight:600;fill:var(--ink)}
.node.on rect{stroke:var(--pick);stroke-width:3}
.node.near rect{stroke:var(--pick);stroke-width:1.8;stroke-dasharray:4 2}
.node.miss{opacity:.25}
.argument rect{fill:var(--argument)}.constant rect{fill:var(--constant)}.result rect{fill:var(--result)}.contraction rect{fill:var(--contraction)}.reduction rect{fill:var(--reduction)}.elementwise rect{fill:var(--elementwise)}.movement rect{fill:var(--movement)}.other rect{fill:var(--other)}.host rect{fill:var(--host)}.copy rect{fill:var(--copy)}
.legend .argument i{background:var(--argument)}.legend .constant i{background:var(--constant)}.legend .result i{background:var(--result)}.legend .contraction i{background:var(--contraction)}.legend .reduction i{background:var(--reduction)}.legend .elementwise i{background:var(--elementwise)}.legend .movement i{background:var(--movement)}.legend .other i{background:var(--other)}.legend .host i{background:var(--host)}.legend .copy i{background:var(--copy)}
.below{padding:0 20px}
.below h2{margin:26px 0 8px}
.below table{font-size:13.5px}
.below td,.below th{padding:5px 12px}
.below td.cut{max-width:460px;overflow:hidden;text-overflow:ellipsis}
td button{border:0;background:none;padding:0;color:var(--accent)}
tr.dim{color:var(--muted)}
tr.on td{background:var(--page)}
.memory{display:none}
svg.memory{width:100%;max-height:460px;background:var(--surface);border:1px solid var(--rule);border-radius:10px}
.memory.shown{display:block}
svg.memory text{font:11px system-ui,"DejaVu Sans",sans-serif;fill:var(--muted)}
svg.memory .rule{stroke:var(--rule)}
.buffer{stroke:var(--surface);stroke-width:.4;cursor:pointer}
.buffer.h0{fill:#5b8fd9}.buffer.h1{fill:#d98a4a}.buffer.h2{fill:#3fa68d}.buffer.h3{fill:#c2679c}.buffer.h4{fill:#8a76d2}.buffer.h5{fill:#9a9838}
.buffer.on{stroke:var(--pick);stroke-width:2}
@media (max-width:800px){#split{flex-direction:column;height:auto}#graphs{height:60vh;flex:none}#detail{border-left:0;border-top:1px solid var(--rule)}}
@media print{#split{height:auto}.tools{display:none}}
)css";

constexpr std::string_view kScript = R"js("use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const graphs = [...document.querySelectorAll("svg.graph")], memories = [...document.querySelectorAll(".memory")];
const detail = document.getElementById("detail"), search = document.getElementById("search");
const choice = document.getElementById("program");
let shown = 0, picked = -1;
const views = graphs.map(g => ({x: -20, y: -20, w: 0, width: +g.dataset.width, height: +g.dataset.height}));
const nodesOf = graphs.map(g => [...g.querySelectorAll(".node")]);
const edgesOf = graphs.map(g => [...g.querySelectorAll(".edges path")]);
const around = edgesOf.map((edges, p) => {
  const list = nodesOf[p].map(() => ({above: [], below: [], edges: []}));
  for (const e of edges) {
    const from = +e.dataset.from, to = +e.dataset.to;
    list[to].above.push(from); list[from].below.push(to);
    list[to].edges.push(e); list[from].edges.push(e);
  }
  return list;
});

// ---- the window onto the graph: x, y, w are in the graph's own units
function show() {
  const g = graphs[shown], v = views[shown], r = g.getBoundingClientRect();
  if (!r.width) return;
  if (!v.w) start();
  g.setAttribute("viewBox", `${v.x} ${v.y} ${v.w} ${v.w * r.height / r.width}`);
}
function start() {  // readable, from the top
  const v = views[shown], r = graphs[shown].getBoundingClientRect();
  const all = Math.max(v.width + 40, (v.height + 40) * r.width / r.height);
  v.w = Math.min(all, r.width / 0.8);
  v.x = v.width / 2 - v.w / 2; v.y = -20;
  const first = nodesOf[shown][0];
  if (v.w < v.width && first) v.x = place(first).x - v.w / 2;
}
function fit() {
  const v = views[shown], r = graphs[shown].getBoundingClientRect();
  v.w = Math.max(v.width + 40, (v.height + 40) * r.width / r.height);
  v.x = v.width / 2 - v.w / 2; v.y = v.height / 2 - v.w * r.height / r.width / 2;
  show();
}
function zoom(factor, px, py) {
  const v = views[shown], r = graphs[shown].getBoundingClientRect();
  const fx = px === undefined ? 0.5 : (px - r.left) / r.width, fy = py === undefined ? 0.5 : (py - r.top) / r.height;
  const w = Math.min(Math.max(v.w * factor, 120), 40 * Math.max(v.width, v.height));
  v.x += fx * (v.w - w); v.y += fy * (v.w - w) * r.height / r.width; v.w = w;
  show();
}
function place(node) {
  const at = node.getAttribute("transform").match(/-?[\d.]+/g).map(Number), box = node.querySelector("rect");
  return {x: at[0] + box.getAttribute("width") / 2, y: at[1] + box.getAttribute("height") / 2};
}
function bring(node) {
  const v = views[shown], r = graphs[shown].getBoundingClientRect(), h = v.w * r.height / r.width, p = place(node);
  if (v.w > 3 * r.width) v.w = 1.2 * r.width;
  if (p.x < v.x + v.w * 0.12 || p.x > v.x + v.w * 0.88) v.x = p.x - v.w / 2;
  if (p.y < v.y + h * 0.15 || p.y > v.y + h * 0.85) v.y = p.y - v.w * r.height / r.width / 2;
  show();
}

// ---- what is picked
const element = (tag, text, cls) => {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (cls) e.className = cls;
  return e;
};
function fold(title, text, open) {
  if (!text) return;
  const d = element("details"); d.open = open;
  d.append(element("summary", title), element("pre", text));
  detail.append(d);
}
function describe(node, kernel) {
  detail.replaceChildren();
  const n = node >= 0 ? data.nodes[shown][node] : null, k = kernel >= 0 ? data.kernels[kernel] : null;
  detail.append(element("h2", n ? n.t : k.name), element("p", n && n.w ? n.w : k ? k.where : "", "where"));
  const list = element("dl"), row = (name, value) => { if (value) list.append(element("dt", name), element("dd", value)); };
  if (n) row("gives", n.y);
  if (k) {
    row("kernel", k.name + (k.uses > 1 ? `, used ${k.uses} times` : ""));
    row("operations", k.operations); row("bytes", k.bytes); row("intensity", k.intensity); row("schedule from", k.source);
  }
  detail.append(list);
  if (k && k.refusal) detail.append(element("p", "refused by the back end: " + k.refusal, "refused"));
  if (k) {
    fold("schedule, with what it refuses", k.schedule, true);
    fold("loops as compiled", k.scheduled, true);
    fold("loops before the schedule", k.naive, false);
    fold("the node", k.node, false);
    fold("assembly", k.assembly, false);
  } else if (n && n.l.length) fold("ops", n.l.join("\n"), true);
}
function pick(node, kernel, move) {
  graphs[shown].querySelectorAll(".on,.near").forEach(e => e.classList.remove("on", "near"));
  document.querySelectorAll("tr.on,.buffer.on").forEach(e => e.classList.remove("on"));
  picked = node;
  if (node >= 0) {
    const g = nodesOf[shown][node], a = around[shown][node];
    kernel = +g.dataset.kernel;
    g.classList.add("on");
    for (const e of a.edges) e.classList.add("on");
    for (const other of [...a.above, ...a.below]) nodesOf[shown][other].classList.add("near");
    if (move) bring(g);
    memories[shown] && memories[shown].querySelectorAll(`[data-node="${node}"]`).forEach(b => b.classList.add("on"));
    history.replaceState(null, "", `#p${shown}n${node}`);
  }
  if (kernel >= 0) document.querySelector(`tr[data-kernel="${kernel}"]`)?.classList.add("on");
  if (node >= 0 || kernel >= 0) describe(node, kernel);
}
function pickKernel(kernel) {
  for (let p = 0; p < graphs.length; ++p) {
    const at = nodesOf[(shown + p) % graphs.length].findIndex(n => +n.dataset.kernel === kernel);
    if (at < 0) continue;
    change((shown + p) % graphs.length);
    return pick(at, kernel, true);
  }
  pick(-1, kernel, false);
}
function change(program) {
  shown = program; choice.value = program; picked = -1;
  graphs.forEach((g, i) => g.classList.toggle("shown", i === program));
  memories.forEach(m => m.classList.toggle("shown", +m.dataset.program === program));
  show();
}
function step(key) {
  const nodes = nodesOf[shown];
  if (picked < 0) return nodes.length && pick(0, -1, true);
  const a = around[shown][picked], layer = nodes[picked].dataset.layer, x = place(nodes[picked]).x;
  const nearest = list => list.reduce((best, n) => best < 0 || Math.abs(place(nodes[n]).x - x) < Math.abs(place(nodes[best]).x - x) ? n : best, -1);
  let to = -1;
  if (key === "ArrowUp") to = nearest(a.above);
  if (key === "ArrowDown") to = nearest(a.below);
  if (key === "ArrowLeft" || key === "ArrowRight")
    to = nearest([...nodes.keys()].filter(n => nodes[n].dataset.layer === layer && (key === "ArrowLeft" ? place(nodes[n]).x < x : place(nodes[n]).x > x)));
  if (to >= 0) pick(to, -1, true);
}

// ---- mouse and keys
graphs.forEach(g => {
  let hold = null;
  g.addEventListener("pointerdown", e => { hold = {x: e.clientX, y: e.clientY, moved: false, node: e.target.closest(".node")}; g.setPointerCapture(e.pointerId); });
  g.addEventListener("pointermove", e => {
    if (!hold) return;
    const v = views[shown], scale = v.w / g.getBoundingClientRect().width, dx = e.clientX - hold.x, dy = e.clientY - hold.y;
    if (!hold.moved && Math.hypot(dx, dy) < 4) return;
    hold.moved = true; g.classList.add("held");
    v.x -= dx * scale; v.y -= dy * scale; hold.x = e.clientX; hold.y = e.clientY;
    show();
  });
  g.addEventListener("pointerup", () => {
    if (hold && !hold.moved && hold.node) pick(+hold.node.dataset.node, -1, false);
    hold = null; g.classList.remove("held");
  });
  g.addEventListener("pointercancel", () => { hold = null; g.classList.remove("held"); });
  g.addEventListener("wheel", e => {
    e.preventDefault();
    if (e.ctrlKey || e.metaKey) return zoom(Math.exp(e.deltaY * 0.01), e.clientX, e.clientY);
    const v = views[shown], scale = v.w / g.getBoundingClientRect().width;
    v.x += (e.shiftKey ? e.deltaY : e.deltaX) * scale; v.y += (e.shiftKey ? 0 : e.deltaY) * scale;
    show();
  }, {passive: false});
});
memories.forEach(m => m.addEventListener("click", e => {
  const b = e.target.closest(".buffer");
  if (b && +b.dataset.node >= 0) pick(+b.dataset.node, -1, true);
}));
document.getElementById("kernels").addEventListener("click", e => {
  const row = e.target.closest("tr[data-kernel]");
  if (row) { pickKernel(+row.dataset.kernel); document.getElementById("split").scrollIntoView({block: "nearest"}); }
});
document.getElementById("smaller").addEventListener("click", () => zoom(1.25));
document.getElementById("larger").addEventListener("click", () => zoom(0.8));
document.getElementById("fit").addEventListener("click", fit);
choice.addEventListener("change", () => change(+choice.value));
function matches() {
  const words = search.value.toLowerCase().split(/\s+/).filter(w => w);
  const found = [];
  nodesOf[shown].forEach((g, i) => {
    const n = data.nodes[shown][i], k = +g.dataset.kernel;
    const text = (n.t + " " + n.y + " " + n.w + " " + n.l.join(" ") + " " + (k >= 0 ? data.kernels[k].name : "")).toLowerCase();
    const fits = words.every(w => text.includes(w));
    g.classList.toggle("miss", !fits);
    if (fits && words.length) found.push(i);
  });
  return found;
}
search.addEventListener("input", matches);
search.addEventListener("keydown", e => {
  if (e.key === "Escape") { search.value = ""; matches(); search.blur(); }
  if (e.key !== "Enter") return;
  const found = matches();
  if (found.length) pick(found[(found.indexOf(picked) + 1) % found.length], -1, true);
});
document.addEventListener("keydown", e => {
  if (e.target === search || e.target === choice || e.ctrlKey || e.altKey || e.metaKey) return;
  if (e.key.startsWith("Arrow") && (e.target === document.body || e.target.closest("svg.graph"))) { e.preventDefault(); step(e.key); }
  if (e.key === "+" || e.key === "=") zoom(0.8);
  if (e.key === "-") zoom(1.25);
  if (e.key === "0") fit();
  if (e.key === "/") { e.preventDefault(); search.focus(); }
});
addEventListener("resize", show);
const wanted = location.hash.match(/^#p(\d+)n(\d+)$/);
change(wanted && graphs[+wanted[1]] ? +wanted[1] : 0);
if (wanted && nodesOf[shown][+wanted[2]]) pick(+wanted[2], -1, true);
})();
)js";

}  // namespace

std::string_view program_page_style() { return kStyle; }

std::string_view program_page_script() { return kScript; }

}  // namespace strata::report
