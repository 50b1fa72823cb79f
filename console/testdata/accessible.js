// What of RGAA 4.1 and WCAG 2.2 AA a program can tell of a page. Each function gives the
// problems that it found, in words.
var visible = e => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && e.getClientRects().length > 0;
var text = e => (e?.textContent ?? "").trim().replace(/\s+/g, " ");
var short = e => `${e.tagName.toLowerCase()} ${e.getAttribute("name") ?? e.getAttribute("href") ?? text(e).slice(0, 40)}`;
// named is the accessible name, as far as our pages give one.
var named = e => (e.getAttribute("aria-label") ?? "").trim()
  || (e.getAttribute("aria-labelledby") ?? "").split(/\s+/).map(id => text(id && document.getElementById(id))).join(" ").trim()
  || text(e) || [...e.querySelectorAll("img[alt]")].map(i => i.alt).join(" ").trim();
var colour = c => { const n = (c.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number); return n.length < 4 ? [...n, 1] : n; };
var over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
var luminance = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
var contrast = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
function ground(e) {
  const layers = [];
  for (; e; e = e.parentElement) { const c = colour(getComputedStyle(e).backgroundColor); layers.push(c); if (c[3] === 1) break; }
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
}
var controls = () => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")].filter(e => visible(e) && !e.disabled && e.tabIndex >= 0);

function look() {
  const all = [], say = (...words) => all.push(words.join(" "));
  if (!document.documentElement.lang) say("html has no lang");
  if (!document.title.trim()) say("the page has no title");
  const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(visible);
  const first = headings.filter(h => h.tagName === "H1");
  if (first.length !== 1) say(first.length, "h1");
  let level = 0;
  for (const h of headings) {
    const n = Number(h.tagName[1]);
    if (n > level + 1 && level > 0) say(short(h), "comes after h" + level);
    if (!named(h)) say("an empty heading", short(h));
    level = n;
  }
  for (const [tag, least] of [["main", 1], ["header", 1], ["footer", 1]]) {
    const n = document.querySelectorAll(tag === "main" ? "main" : "body > " + tag).length;
    if (n !== least) say(n, tag);
  }
  for (const nav of document.querySelectorAll("nav")) if (!nav.getAttribute("aria-label") && !nav.getAttribute("aria-labelledby")) say("nav without a name");
  for (const f of document.querySelectorAll("input:not([type=hidden]):not([type=submit]), select, textarea"))
    if (!named({ getAttribute: a => f.getAttribute(a), querySelectorAll: () => [] }) && !text(f.labels?.[0])) say(short(f), "has no label");
  for (const c of document.querySelectorAll("a[href], button, summary")) if (visible(c) && !named(c)) say(short(c), "has no name");
  for (const i of document.querySelectorAll("img:not([alt])")) say("img without alt", i.src.slice(0, 60));
  for (const f of document.querySelectorAll("iframe, object, embed")) if (!f.title) say(short(f), "without title");
  for (const f of document.querySelectorAll("fieldset")) if (!text(f.querySelector(":scope > legend"))) say("fieldset without legend");
  for (const t of document.querySelectorAll("main table")) if (!t.querySelector("th")) say("table without th");
  const ids = new Set();
  for (const e of document.querySelectorAll("[id]")) { if (ids.has(e.id)) say("two of id", e.id); ids.add(e.id); }
  for (const e of document.querySelectorAll("[aria-describedby], [aria-controls], label[for]"))
    for (const id of (e.getAttribute("aria-describedby") ?? e.getAttribute("aria-controls") ?? e.htmlFor).split(/\s+/)) if (!ids.has(id)) say(short(e), "points at no", id);
  if (document.querySelector("[style], style, script:not([src])")) say("inline style or script");

  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), pale = new Set();
  for (let n; (n = walk.nextNode());) {
    const e = n.parentElement;
    if (!n.data.trim() || !visible(e) || e.closest("svg, :disabled")) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize), big = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700;
    const below = ground(e), ratio = contrast(over(colour(style.color), below), below);
    if (ratio < (big ? 3 : 4.5) - 0.005 && !pale.has(e)) { pale.add(e); say("contrast", ratio.toFixed(2), "of", JSON.stringify(n.data.trim().slice(0, 40))); }
  }
  // WCAG 2.5.8: 24 px, but for links in a line of text and for what stands in a label.
  for (const c of controls()) {
    const box = (c.matches("input[type=checkbox], input[type=radio]") && c.labels?.[0] || c).getBoundingClientRect();
    const inText = c.tagName === "A" && getComputedStyle(c).display === "inline" || c.matches("button.link, .skip");
    if (!inText && (box.width < 24 || box.height < 24)) say("target", short(c), `is ${Math.round(box.width)} × ${Math.round(box.height)}`);
  }
  return all;
}

function focus() {
  const all = [], marks = e => { const s = getComputedStyle(e); return [s.outlineStyle, s.outlineWidth, s.boxShadow, s.borderColor, s.backgroundColor].join(); };
  const before = document.activeElement;
  for (const c of controls()) {
    if (c === document.activeElement) c.blur();
    const bare = marks(c);
    c.focus();
    if (document.activeElement === c && marks(c) === bare) all.push("focus does not show on " + short(c));
  }
  before?.focus?.();
  return all;
}

function reflow() {
  const page = document.scrollingElement;
  if (page.scrollWidth <= window.innerWidth) return [];
  const wide = [...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > window.innerWidth + 1 && !e.closest(".scroll, .skip")).at(-1);
  return [`at ${window.innerWidth} px it scrolls sideways: ${page.scrollWidth} px, ${wide ? short(wide) : ""}`];
}
