// Looks every 20 seconds whether the page says something new, and shows it. Without it the page is complete, too.
(function () {
  "use strict";
  var main = document.getElementById("main"), mark = "";
  if (!main || !main.dataset.page || !window.fetch) { return; }
  function look() {
    if (document.hidden) { return; }
    fetch(location.href, { credentials: "same-origin", cache: "no-cache" }).then(function (answer) {
      var found = answer.headers.get("ETag") || "";
      if (!answer.ok || (found && found === mark)) { return null; }
      mark = found;
      return answer.text();
    }).then(function (text) {
      if (!text) { return; }
      var fresh = new DOMParser().parseFromString(text, "text/html").getElementById("main");
      if (fresh && !main.contains(document.activeElement)) { main.replaceChildren.apply(main, Array.from(fresh.childNodes)); }
    }).catch(function () { return null; });
  }
  setInterval(look, 15000 + Math.random() * 10000);
  document.addEventListener("visibilitychange", look);
}());
