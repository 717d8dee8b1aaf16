// Keys, copying, the theme, and times that stay true. Pages work without any of it.
(() => {
  "use strict";
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (words) => { one("#announce").textContent = words; };

  // -- times -------------------------------------------------------------------------
  const UNITS = [[86400e3 * 2, 86400e3, "d"], [3600e3, 3600e3, "h"], [60e3, 60e3, "min"], [10e3, 1e3, "s"]];
  const distance = (span) => {
    const found = UNITS.find(([from]) => span >= from);
    return found ? `${Math.floor(span / found[1])} ${found[2]}` : "now";
  };
  const tick = () => {
    const now = Date.now();
    for (const time of all("time[data-at]")) {
      const at = Number(time.dataset.at);
      const words = distance(Math.abs(now - at));
      if (at > now + 10e3) time.textContent = `in ${words}`;
      else if ("sentence" in time.dataset) time.textContent = words === "now" ? "just now" : `${words} ago`;
      else time.textContent = words;
    }
  };
  setInterval(tick, 15e3);

  // -- where one is stays in sight: in the rail of a phone, in a long list -------------
  for (const here of all(".rail [aria-current], .list-side [aria-current]")) here.scrollIntoView({ block: "nearest", inline: "center" });

  // -- copying -----------------------------------------------------------------------
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {  // no clipboard over plain HTTP: select the text instead
      const code = one("code", button.parentElement);
      if (code) getSelection().selectAllChildren(code);
      say("Press Ctrl+C to copy");
      return;
    }
    button.classList.add("done");
    say("Copied");
    setTimeout(() => button.classList.remove("done"), 1200);
  });

  // -- theme -------------------------------------------------------------------------
  const themes = ["", "light", "dark"];
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const root = document.documentElement;
    const next = themes[(themes.indexOf(root.dataset.theme || "") + 1) % themes.length];
    if (next) root.dataset.theme = next; else delete root.dataset.theme;
    try { localStorage.setItem("gatepost-theme", next); } catch { /* it holds for this page alone */ }
    say(next ? `${next} theme` : "system theme");
    document.dispatchEvent(new Event("gatepost:theme"));
  });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-help]")) one("#help").showModal(); });

  // -- several at once ---------------------------------------------------------------
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-pick], [data-pick-all]")) return;
    const boxes = all("[data-pick]"), every = one("[data-pick-all]");
    if (event.target === every) for (const box of boxes) box.checked = every.checked;
    const picked = boxes.filter((box) => box.checked).map((box) => box.value);
    every.checked = picked.length === boxes.length;
    const form = one("[data-many]");
    form.hidden = picked.length === 0;
    form.elements.ids.value = picked.join(" ");
    one("[data-many-count]").textContent = `${picked.length} selected`;
  });
  document.addEventListener("submit", (event) => {
    const asked = event.target.dataset.ask || (event.target.matches("[data-many]") ? `${event.submitter.textContent} all ${one("[data-many-count]").textContent}?` : "");
    if (asked && !confirm(asked)) return event.preventDefault();
    if (event.target.dataset.busy) { const button = one("button", event.target); button.textContent = event.target.dataset.busy; button.disabled = true; }
  });

  // -- a message dropped on its field -------------------------------------------------
  document.addEventListener("dragover", (event) => { if (event.target.closest("[data-drop]")) event.preventDefault(); });
  document.addEventListener("drop", async (event) => {
    const form = event.target.closest("[data-drop]");
    const file = event.dataTransfer?.files[0];
    if (!form || !file) return;
    event.preventDefault();
    form.elements.message.value = await file.text();
    say(`${file.name} loaded`);
  });

  // -- rows and keys -----------------------------------------------------------------
  const mark = (row) => {
    for (const other of all("[data-row][aria-current]")) other.removeAttribute("aria-current");
    row.setAttribute("aria-current", "true");
  };
  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row][hx-get]");
    if (row) mark(row);
  });
  const move = (step) => {
    const rows = all("[data-row]");
    if (!rows.length) return;
    const here = document.activeElement;
    let at = rows.indexOf(here.closest(".picked")?.querySelector("[data-row]") ?? here);
    if (at < 0) at = rows.findIndex((row) => row.hasAttribute("aria-current"));
    const row = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + step))];
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  };
  let leader = 0;
  const go = (key) => { const link = one(`[data-go="${CSS.escape(key)}"]`); if (link) location.assign(link.href); };
  // Where some are picked, a key means them and not the one that is open.
  const meant = (ofMany, ofOne) => [one(`[data-many]:not([hidden]) ${ofMany}`), one(ofOne)].find((part) => part?.getClientRects().length);
  const KEYS = {
    "/": () => { const field = one("[data-search]"); if (field) { field.focus(); field.select(); } else location.assign("/messages"); },
    j: () => move(1),
    k: () => move(-1),
    a: () => meant("[value=approve]", "[data-approve]")?.click(),
    r: () => meant("[value=reject]", "[data-reject]")?.click(),
    x: () => (document.activeElement.closest(".picked") ?? one(".picked:has([aria-current])"))?.querySelector("[data-pick]").click(),
    n: () => meant("[name=note]", "#note")?.focus(),
    t: () => { const numbers = one(".numbers"); if (numbers) numbers.open = !numbers.open; },
    g: () => { leader = Date.now(); },
    "?": () => one("#help").showModal(),
  };
  // Who dictates, or whose screen reader has these letters, turns them off (WCAG 2.2, 2.1.4).
  const keys = one("[data-keys]");
  try { keys.checked = localStorage.getItem("gatepost-keys") !== "off"; } catch { /* they act */ }
  keys.addEventListener("change", () => {
    try { localStorage.setItem("gatepost-keys", keys.checked ? "on" : "off"); } catch { /* it holds for this page alone */ }
  });
  for (const digit of "1234") KEYS[digit] = () => one(`[data-tab-key="${digit}"]`)?.click();
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input:not([type=checkbox]), textarea, select, dialog");
    if (event.key === "Escape" && field && !field.closest("dialog")) { field.blur(); return; }
    if (event.key === "Enter" && event.target.matches("[data-row]:not(a)")) { one("a", event.target)?.click(); return; }
    if (field || !keys.checked || event.ctrlKey || event.metaKey || event.altKey) return;
    if (leader && Date.now() - leader < 1200) { leader = 0; event.preventDefault(); go(event.key); return; }
    const act = KEYS[event.key];
    if (act) { event.preventDefault(); act(); }
  });
})();
