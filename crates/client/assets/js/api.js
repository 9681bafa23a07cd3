// Asks for one rally.
export async function play(url) {
  try {
    const answer = await fetch(`${url}?detail=hops`, { cache: "no-store" });
    const body = await answer.json();
    return answer.ok ? body.meows.join(", ") : body.message.detail;
  } catch {
    return "There was no answer.";
  }
}
