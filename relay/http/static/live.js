// What happens on the server, patched into the page in place; what one reads never jumps.
(() => {
  "use strict";
  const one = (selector) => document.querySelector(selector);
  if (!window.EventSource || !one("[data-live], #detail")) return;
  const split = () => (one("#split.split") ? "split=1" : "");

  // A piece of the page, made by the server, takes the place of the same piece here.
  const swap = async (address, selector, target = selector) => {
    const answer = await fetch(address, { headers: { "HX-Request": "true", "HX-Target": target.replace("#", "") } });
    if (answer.status === 401) { location.assign("/sign-in"); return; }
    if (!answer.ok) return;
    const made = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(selector);
    const old = one(selector);
    if (!made || !old) return;
    if (old.getAttribute("aria-current")) made.setAttribute("aria-current", "true");
    const focused = old === document.activeElement;
    old.replaceWith(made);
    if (focused) made.focus({ preventScroll: true });
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
      if (detail && detail.dataset.send === id && !detail.contains(document.activeElement?.closest("input, textarea"))) {
        const part = detail.dataset.tab === "timeline" ? "#detail" : "#detail-head";
        if (location.pathname.startsWith("/messages")) await swap(detail.dataset.self, part, "#detail");
        else if (!one("#note")?.value) await swap(detail.dataset.self, "#detail");  // somebody else may have decided
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
