// The slug as a whole: its size and budget, what has changed, and the largest savings.

function showHead(data) {
    const { now, before, limit, warn } = data.slug;
    byId("origin").textContent = data.origin;
    byId("title").append(
        element("b", size(now.compressed)),
        element("small", `compressed, ${data.title}`),
    );
    document.title = `${data.title}: ${size(now.compressed)}`;
    const saved = before.compressed - now.compressed;
    const figures = [["Unpacked", size(now.raw)]];
    if (saved > 0) {
        figures.unshift(["Before strip", size(before.compressed)]);
        figures.push(["Saved", size(saved), percent(saved, before.compressed), "good"]);
    }
    figures.push(...data.figures);
    for (const [name, value, more, look] of figures) {
        const group = element("div");
        const cell = element("dd", value, look ? { class: look } : {});
        if (more) cell.append(element("small", more));
        group.append(element("dt", name), cell);
        byId("figures").append(group);
    }
    showBudget(now.compressed, before.compressed, warn, limit);
    for (const { saves, what, how } of data.suggestions) {
        const entry = element("li");
        entry.append(
            element("strong", saves),
            element("span", what),
            ...(how ? [element("p", how)] : []),
        );
        byId("suggestions").querySelector("ol").append(entry);
    }
    byId("suggestions").hidden = !data.suggestions.length;
    byId("footer").textContent = data.footer;
}

function showBudget(now, before, warn, limit) {
    const most = Math.max(limit, before, now) * 1.01;
    const at = (bytes) => `${(100 * bytes) / most}%`;
    byId("budget").classList.toggle("over", now > warn);
    byId("bar-before").style.width = at(before);
    byId("bar-before").hidden = before <= now;
    byId("bar-now").style.width = at(now);
    const over =
        now > warn ? `${size(now - warn)} over the warning level` : `warning level ${size(warn)}`;
    const marks = [
        ["warn", warn, over],
        ["limit", limit, `limit ${size(limit)}`],
    ];
    for (const [name, bytes, text] of marks) {
        byId(`mark-${name}`).style.left = at(bytes);
        byId(`scale-${name}`).textContent = text;
        // On the side of its mark that has room.
        const label = byId(`scale-${name}`).style;
        if (bytes > most * 0.6) label.right = `${100 - (100 * bytes) / most}%`;
        else label.left = at(bytes);
    }
    // Labels of close marks are placed side by side.
    byId("budget").classList.toggle("close", (limit - warn) / most < 0.2);
    byId("mark-warn").hidden = byId("scale-warn").hidden = warn >= limit;
    byId("budget").setAttribute(
        "aria-label",
        `${size(now)} of ${size(limit)}, ${percent(now, limit)}`,
    );
}
