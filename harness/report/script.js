(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  root.classList.add("js");

  /* Tooltips: the browser's own wait a second and never open by keyboard. */
  const tip = document.getElementById("tip");
  const place = (box) => {
    const { width, height } = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left + Math.min(box.width, 240) / 2 - width / 2), innerWidth - width - 8);
    const above = box.top - height - 8;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${above > 48 ? above : box.bottom + 8}px`;
  };
  let told = null;
  const put = () => {
    const box = told.getBoundingClientRect();
    const seen = Math.max(box.left, 0);
    place(new DOMRect(seen, box.top, Math.min(box.right, innerWidth) - seen, box.height));
  };
  const show = (event) => {
    told = event.target.closest("[data-tip]");
    if (!told) return hide();
    tip.textContent = told.dataset.tip;
    tip.hidden = false;
    put();
  };
  const hide = () => { told = null; tip.hidden = true; };
  /* What gets the focus, or is pointed at, may be on its way into view: its tip goes along. */
  const follow = () => {
    if (told && told.matches(":hover, :focus, :focus-within")) put();
    else hide();
  };
  for (const title of all("svg title")) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  for (const type of ["pointerover", "focusin"]) document.addEventListener(type, show);
  for (const type of ["pointerleave", "focusout"]) document.addEventListener(type, hide);
  addEventListener("scroll", follow, true);

  /* The timeline is one stop of the Tab key; the arrows go from bar to bar. */
  const gantt = document.getElementById("gantt");
  const bars = all("a.bar");
  const rove = (to) => {
    for (const bar of bars) bar.setAttribute("tabindex", bar === to ? "0" : "-1");
  };
  if (bars.length) rove(bars[0]);
  gantt.addEventListener("keydown", (event) => {
    const at = bars.indexOf(event.target.closest(".bar"));
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: bars.length - 1 }[event.key];
    if (at < 0 || !bars[to]) return;
    event.preventDefault();
    rove(bars[to]);
    bars[to].focus();
  });

  /* Zoom: the drawing is in percent, so its width is all there is to change. */
  let labels = null;  /* each bar's text, all of it, and the width of a letter */
  const measured = (text) => [text, text.textContent, text.getComputedTextLength() / Math.max(1, text.textContent.length)];
  const fit = () => {
    labels ??= all("a.bar text", gantt).map(measured);
    const widths = labels.map(([text]) => text.previousElementSibling.getBoundingClientRect().width);
    labels.forEach(([text, name, letter], at) => {
      const room = Math.floor((widths[at] - 12) / letter);
      const [head] = /^(✕|\d+)(?= )/.exec(name) || [""];  /* a failure's sign, a slow one's rank */
      const brief = room < 5 ? head.slice(0, Math.max(room, 0)) : `${name.slice(0, room - 2)}…`;
      text.textContent = room >= name.length ? name : brief;
    });
  };
  addEventListener("resize", () => { if (labels) fit(); });
  new IntersectionObserver(([timeline], watch) => {
    if (!timeline.isIntersecting) return;
    watch.disconnect();
    fit();
  }, { rootMargin: "100%" }).observe(gantt);
  let zoom = 1;
  const zoomTo = (next) => {
    const frame = gantt.parentNode;
    const middle = (frame.scrollLeft + frame.clientWidth / 2) / gantt.scrollWidth;
    zoom = Math.min(32, Math.max(1, next));
    gantt.style.width = `${zoom * 100}%`;
    fit();
    frame.scrollLeft = middle * gantt.scrollWidth - frame.clientWidth / 2;
  };
  document.getElementById("zoom-in").addEventListener("click", () => zoomTo(zoom * 2));
  document.getElementById("zoom-out").addEventListener("click", () => zoomTo(zoom / 2));
  document.getElementById("zoom-all").addEventListener("click", () => zoomTo(1));

  /* The slider: what lies outside of its range is hidden, in what is there and in what is opened later. */
  const range = document.getElementById("range");
  const { begun, seconds } = { begun: Number(range.dataset.begun), seconds: Number(range.dataset.seconds) };
  const [low, high] = ["from", "to"].map((name) => document.getElementById(`range-${name}`));
  const said = document.getElementById("range-shown");
  const DAY = 86400;
  const whole = new WeakMap();  /* the texts of logs, all of them */
  const moment = (input) => seconds * Number(input.value) / 1000;
  const isNarrow = () => Number(low.value) > 0 || Number(high.value) < 1000;
  const isWithin = (at, took = 0) => !isNarrow() || (at <= moment(high) && at + took >= moment(low));
  const isShown = ({ dataset }) => isWithin(Number(dataset.at), Number(dataset.took || 0));
  const stamp = (line) => {  /* seconds into the run; a time without a zone that may be another one is none */
    const instant = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)/.exec(line);
    if (instant) return Date.parse(instant[0]) / 1000 - begun;
    const clock = /^(\d\d):(\d\d):(\d\d\.\d+) /.exec(line);
    if (!clock) return null;
    const since = Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3]) - begun % DAY;
    return since < -DAY / 2 ? since + DAY : since;
  };
  const cut = (text) => {
    let shown = true;  /* a line without a time belongs to the one before */
    return text.split("\n").filter((line) => {
      const at = stamp(line);
      if (at !== null) shown = isWithin(at);
      return shown;
    }).join("\n");
  };
  const narrow = (scope) => {
    for (const one of all("[data-at]:not(.bar, .tests > li)", scope)) one.hidden = !isShown(one);
    for (const log of all("pre[data-log]", scope)) {
      if (!whole.has(log)) whole.set(log, log.textContent);
      log.textContent = isNarrow() ? cut(whole.get(log)) : whole.get(log);
    }
  };
  const spoken = (at) => `+${at < 60 ? `${Number(at.toPrecision(3))} s` : `${Math.floor(at / 60)} min ${Math.floor(at % 60)} s`}`;
  const slide = () => {
    for (const bar of bars) bar.classList.toggle("outside", !isShown(bar));
    for (const input of [low, high]) input.setAttribute("aria-valuetext", spoken(moment(input)));
    said.textContent = isNarrow() ? `${spoken(moment(low))} to ${spoken(moment(high))}` : "all of it";
    narrow(document.getElementById("tests"));
    filter();
  };
  low.addEventListener("input", () => { high.value = String(Math.max(Number(low.value), Number(high.value))); slide(); });
  high.addEventListener("input", () => { low.value = String(Math.min(Number(low.value), Number(high.value))); slide(); });
  const showAll = () => { low.value = "0"; high.value = "1000"; slide(); };
  document.getElementById("range-all").addEventListener("click", showAll);

  /* What a test has to show is text until it is opened: most never are, and a page of 300 tests is there at once. */
  const fill = (test) => {
    const text = test.querySelector(":scope > .body > noscript");
    if (!text) return;
    text.parentNode.innerHTML = text.textContent;
    if (isNarrow()) narrow(test);
  };
  document.addEventListener("click", (event) => {
    const summary = event.target.closest(".test > summary");
    if (summary) fill(summary.parentNode);
  });

  /* Tests: by outcome and by words; all the words have to be there. */
  const rows = all(".tests > li");
  const texts = new Map(rows.map((row) => [row, row.querySelector("summary").textContent.toLowerCase()]));
  const search = document.getElementById("search");
  const chips = all("#filter [data-outcome]");
  const count = document.getElementById("count");
  const fold = document.getElementById("fold");
  let asked = false;
  const filter = () => {
    const wanted = new Set(chips.filter((chip) => chip.ariaPressed === "true").map((chip) => chip.dataset.outcome));
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    const asks = wanted.size > 0 || words.length > 0 || isNarrow();
    for (const row of rows) {
      const text = texts.get(row);
      row.hidden = !isShown(row) || (wanted.size > 0 && !wanted.has(row.dataset.outcome)) || !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    if (fold && asks !== asked) fold.open = asks;
    asked = asks;
    count.textContent = asks ? `${shown} of ${rows.length} shown` : `${rows.length} test${rows.length === 1 ? "" : "s"}`;
  };
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.ariaPressed = String(chip.ariaPressed !== "true");
      filter();
    });
  }
  search.addEventListener("input", filter);
  filter();
  const toggle = document.getElementById("toggle");
  toggle.addEventListener("click", () => {
    const open = toggle.dataset.open !== "true";
    if (fold) fold.open = open || asked;
    for (const row of rows.filter((each) => !each.hidden)) {
      fill(row.firstElementChild);
      row.firstElementChild.open = open;
    }
    toggle.dataset.open = String(open);
    toggle.textContent = open ? "Collapse all" : "Expand all";
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target === search) return;
    event.preventDefault();
    search.focus();
  });

  /* A link to a test or a row opens what hides it. */
  const reveal = () => {
    const name = decodeURIComponent(location.hash.slice(1));
    const test = document.getElementById((/^test-\d+/.exec(name) || [""])[0]);
    if (test) fill(test);
    const target = document.getElementById(name);
    if (!target) return;
    const row = target.closest(".tests > li");
    if (row && row.hidden) {
      for (const chip of chips) chip.ariaPressed = "false";
      search.value = "";
      showAll();
    }
    for (let box = target.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    target.scrollIntoView({ block: target.matches("tr") ? "center" : "start" });
  };
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (link && link.getAttribute("href") === location.hash) reveal();
  });
  reveal();

  /* Copy: a page from the disk may lack the clipboard; a selection can be copied anywhere. */
  const copied = async (source) => {
    const text = source.textContent.replace(/^\n/, "");
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const { copy, name = button.textContent } = button.dataset;
    const test = document.getElementById(copy.replace(/^issue-/, "test-"));
    if (test) fill(test);
    await copied(document.getElementById(copy));
    Object.assign(button.dataset, { name });
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = name; }, 1500);
  });
})();
