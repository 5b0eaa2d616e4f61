// The link's token stands behind the #, so that it is in no server's log; it leaves the address
// bar at once, and the form carries it.
const token = document.getElementById("token")
if (location.hash.length > 1) {
  token.value = location.hash.slice(1)
  history.replaceState(null, "", location.pathname)
}
document.getElementById("token-field").hidden = token.value !== ""
