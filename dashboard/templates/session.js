// Where the server answers. Without it the page looks for it below its own address first.
window.__streamlit = { BACKEND_BASE_URL: location.origin + "/" }

// A page that is opened without filters is given them by the server, which is no step of its own:
// the way back would lead to the same page again.
const push = history.pushState
history.pushState = function (state, title, url) {
  const settles = new URL(url, location).pathname === location.pathname && !location.search
  return (settles ? history.replaceState : push).call(history, state, title, url)
}

// Asks whether the session is still alive, without extending it, and leaves the page when it is
// over: nothing may stay readable on an unattended screen.
const INTERVAL = 5000
let deadline = Infinity

function leave() {
  const here = location.pathname + location.search
  location.replace(here === "/" ? "/login" : "/login?next=" + encodeURIComponent(here))
}

async function check() {
  try {
    const answer = await fetch("/session", { cache: "no-store" })
    if (answer.status === 401) return leave()
    if (answer.ok) deadline = Date.now() + 1000 * Number(await answer.text())
  } catch {
    // The server is out of reach, where nobody can extend the session either.
    if (Date.now() > deadline) leave()
  }
}

setInterval(check, INTERVAL)
document.addEventListener("visibilitychange", check)
window.addEventListener("pageshow", (event) => event.persisted && check())
