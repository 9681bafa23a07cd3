// Starts the page: a letter plays a rally, and the page says how it went.
import { play } from "./api.js";

const form = document.getElementById("letters");
const verdict = document.getElementById("verdict");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  verdict.textContent = await play(form.action);
});
