// Before the first paint: light, dark, or (by default) as the system says.
(() => {
  "use strict";
  let theme = "";
  try { theme = localStorage.getItem("gatepost-theme") || ""; } catch { /* storage is switched off: the system decides */ }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
