// What happens on the server, patched into the page in place; what one reads never jumps.
(() => {
  "use strict";
  const one = (selector) => document.querySelector(selector);
  if (!window.EventSource || !one("[data-live], #detail")) return;
  const split = () => (one("#split.split") ? "split=1" : "");

  // What was open stays open, and the focus stays on the same link or button.
  const name = (part) => part.getAttribute("href") ?? part.textContent;
  const twin = (part, made) => [...made.querySelectorAll("a, button, summary")].find((other) => name(other) === name(part));
  const place = (old, made) => {
    const open = [...made.querySelectorAll("details")], here = document.activeElement;
    old.querySelectorAll("details").forEach((part, i) => { if (open[i]) open[i].open = part.open; });
    const focused = old === here ? made : old.contains(here) ? twin(here, made) : null;
    old.replaceWith(made);
    focused?.focus({ preventScroll: true });
  };

  // A piece of the page, made by the server, takes the place of the same piece here.
  const swap = async (address, selector, target = selector) => {
    const answer = await fetch(address, { headers: { "HX-Request": "true", "HX-Target": target.replace("#", "") } });
    if (answer.status === 401) { location.assign("/sign-in"); return; }
    if (!answer.ok) return;
    const made = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(selector);
    const old = one(selector);
    if (!made || !old) return;
    if (old.getAttribute("aria-current")) made.setAttribute("aria-current", "true");
    place(old, made);
    if ("waiting" in made.dataset) {
      const count = one(".rail .count");
      count.textContent = made.dataset.waiting;
      count.hidden = !made.dataset.waiting;
    }
    if (window.htmx) window.htmx.process(made);
    document.dispatchEvent(new CustomEvent("gatepost:swapped", { detail: made }));
  };

  let changed = new Set(), fresh = new Set(), timer = 0, lastOverview = 0;
  const NEW = new Set(["send.queued", "send.held", "send.scheduled", "send.blocked"]);

  const rowOf = (id) => one(`.list-side [data-row][data-send="${CSS.escape(id)}"]`);
  const query = () => new URLSearchParams(location.search).get("q") || "";

  const flush = async () => {
    timer = 0;
    const ids = [...changed].slice(0, 40);
    changed = new Set([...changed].slice(40));
    for (const id of ids) {
      if (rowOf(id) && one("#messages")) {
        await swap(`/messages/${id}/row?q=${encodeURIComponent(query())}&${split()}`, `[data-row][data-send="${CSS.escape(id)}"]`);
      }
      const detail = one("#detail");
      // Where nobody is typing: somebody else may have decided.
      if (detail && detail.dataset.send === id && !one("#note")?.value && !detail.contains(document.activeElement?.closest("input, textarea"))) {
        const isWhole = detail.dataset.tab === "timeline" || location.pathname.startsWith("/approvals");
        await swap(detail.dataset.self, isWhole ? "#detail" : "#detail-head", "#detail");
      }
    }
    if (one("#overview") && Date.now() - lastOverview > 900) {
      lastOverview = Date.now();
      await swap("/", "#overview");
    }
    if (changed.size) plan();
  };
  const plan = (wait = 250) => { if (!timer) timer = setTimeout(flush, wait); };

  const gather = () => {
    const button = one("[data-fresh]");
    if (!button || !fresh.size) return;
    button.hidden = false;
    button.textContent = `${fresh.size} new`;
    one("#announce").textContent = `${fresh.size} new`;
  };
  document.addEventListener("click", (event) => { if (event.target.closest("[data-fresh]")) location.assign(location.pathname + location.search); });

  const stream = new EventSource("/live");
  const light = (on) => { for (const lamp of document.querySelectorAll("[data-live-light]")) lamp.classList.toggle("on", on); };
  stream.addEventListener("begun", () => light(true));
  stream.addEventListener("error", () => light(false));
  stream.addEventListener("message", (event) => {
    const approvals = one('[data-live="approvals"]');
    for (const { type, send } of JSON.parse(event.data)) {
      if (send) changed.add(send);
      if (send && NEW.has(type) && !rowOf(send) && (!approvals || type === "send.held")) fresh.add(send);
    }
    gather();
    plan(one("#overview") ? 900 : 250);
  });
  document.addEventListener("htmx:afterSwap", () => light(stream.readyState === 1));
  addEventListener("pagehide", () => stream.close());
})();
