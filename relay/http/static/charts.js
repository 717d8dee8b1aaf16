// Charts over time with uPlot: zero based, axes labelled, colours from the style sheet.
(() => {
  "use strict";
  const TONES = { approved: "--good", delivered: "--good", held: "--hold", deferred: "--wait", blocked: "--stop", bounced: "--stop", complained: "--hold", sent: "--muted", rate: "--accent", limit: "--wait", pause: "--stop" };
  const colour = (name) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const axis = (more) => ({ stroke: colour("--muted"), font: "12px system-ui", ticks: { show: false }, grid: { stroke: colour("--line"), width: 1 }, ...more });
  const shown = new WeakMap();

  const stacked = (series) => {
    const sums = series[0].values.map(() => 0);
    return series.map((one) => one.values.map((value, i) => (sums[i] += value)));
  };
  const whole = (ticks) => ticks.map((v) => (Number.isInteger(v) ? v.toLocaleString("en") : ""));

  const two = (n) => String(n).padStart(2, "0");
  const hours = (_, ticks) => ticks.map((t) => `${two(new Date(t * 1e3).getUTCHours())}:00`);
  const days = (_, ticks) => ticks.map((t) => new Date(t * 1e3).toLocaleDateString("en", { day: "numeric", month: "short", timeZone: "UTC" }));

  const draw = (box) => {
    const data = JSON.parse(box.dataset.chartData);
    const stack = box.dataset.chart === "stack";
    const values = stack ? stacked(data.series).reverse() : data.series.map((s) => s.values);
    const names = stack ? [...data.series].reverse() : data.series;
    const paths = stack ? uPlot.paths.bars({ size: [0.72, 40], align: 1 }) : undefined;
    const most = Math.max(0, ...values.flat().filter((v) => v !== null));
    const options = {
      width: box.clientWidth, height: box.clientHeight || 200, cursor: { show: !stack, points: { size: 5 } }, legend: { show: false }, padding: [8, 24, 0, 0],
      scales: { x: { time: true, range: stack ? (_, from, to) => [from, to + 3600] : undefined }, y: { range: [0, most > 0 ? most * 1.1 : 1] } },
      axes: [axis({ grid: { show: false }, size: 28, values: stack ? hours : days, space: stack ? 60 : 90 }), axis({ size: 48, values: (_, ticks) => (data.unit === "%" ? ticks.map((v) => `${v} %`) : whole(ticks)) })],
      series: [{}, ...names.map((s) => {
        const tone = colour(TONES[s.name] || "--accent");
        return stack ? { label: s.name, fill: tone, stroke: tone, width: 0, paths, points: { show: false } }
          : { label: s.name, stroke: tone, width: s.name === "rate" || s.name === "sent" ? 1.5 : 1, dash: s.name === "limit" || s.name === "pause" ? [4, 4] : undefined, points: { show: false } };
      })],
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), "Etc/UTC"),
    };
    shown.get(box)?.destroy();
    shown.set(box, new uPlot(options, [data.at, ...values], box));
  };
  const drawAll = (root = document) => { for (const box of root.querySelectorAll("[data-chart]")) draw(box); };
  const ready = () => { if (window.uPlot) drawAll(); };
  ready();
  document.addEventListener("gatepost:theme", ready);
  document.addEventListener("gatepost:swapped", (event) => drawAll(event.detail));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ready);
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(ready, 120); });
})();
