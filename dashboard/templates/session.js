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

// Says to who hears the page what a choice has changed: page, period and first answer. Streamlit puts new elements in
// the place of those that change, which readers are silent about; this one stays.
const told = document.createElement("div")
told.className = "unseen"
told.setAttribute("role", "status")
// An open list of choices hides all else from readers but what is marked so.
told.dataset.liveAnnouncer = "true"
let said = ""

function tell() {
  const app = document.querySelector('[data-testid="stApp"]')
  if (app?.dataset.testScriptState !== "notRunning") return
  const main = document.querySelector('[data-testid="stMain"]')
  const words = ["h1", ".extract", "h2.answer"].map((one) => main?.querySelector(one)?.innerText.split("\n")[0])
  const now = words.filter(Boolean).join(". ")
  // What stands there first is read without being told.
  if (said && now && now !== said) told.textContent = now
  said = now || said
}

const larger = document.createElement("p")
larger.className = "larger"
larger.textContent = "Charts are larger when the page is printed with Ctrl + P (⌘ + P) or from its own menu at the top right."

addEventListener("DOMContentLoaded", () => {
  document.body.append(told, larger)
  // A moment later, when what the run has sent is drawn.
  new MutationObserver(() => setTimeout(tell, 300)).observe(document.body, {
    subtree: true, attributeFilter: ["data-test-script-state"],
  })
})

// Drawn for a wide screen, a chart is shrunk to paper with its words: before a page is printed it is laid out as wide as
// paper, and Streamlit draws its charts anew. The browser's own menu doesn't wait for that: the page that it previews
// says how its charts become larger.
const PAPER = 740
const print = window.print
const paper = document.documentElement.classList
window.print = () => {
  paper.add("for-paper")
  setTimeout(() => print.call(window), 1000)
}
addEventListener("beforeprint", () => {
  const widths = Array.from(document.querySelectorAll(".stVegaLiteChart svg.marks"), (svg) => svg.width.baseVal.value)
  paper.toggle("shrunk", Math.max(0, ...widths) > PAPER)
})
addEventListener("afterprint", () => paper.remove("for-paper"))
addEventListener("keydown", (event) => {
  if (event.key?.toLowerCase() !== "p" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return
  event.preventDefault()
  window.print()
})
