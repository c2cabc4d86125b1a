"use strict";
(() => {
  const { latents, figures } = JSON.parse(document.getElementById("report-data").textContent);
  const config = { displayModeBar: false, showTips: false };
  // A finger on a drawing must scroll the page.
  const dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom";
  const font = { family: "system-ui, 'Segoe UI', Roboto, Arial, sans-serif", size: 13, color: "#1d2229" };
  const view = { colour: 0, across: 0, up: 1 };
  const [LEAST_PANEL, LARGEST_PANEL, TITLE, GAP] = [106, 270, 20, 6];

  function drawFigure(box) {
    const { data, layout } = figures[box.dataset.figure];
    const narrow = box.clientWidth < 600;
    Plotly.react(box, data, {
      font,
      hovermode: "closest",
      margin: { l: 56, r: 18, t: 12, b: 48 },
      legend: { orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom" },
      ...layout,
      xaxis: { ...layout.xaxis, fixedrange: !dragmode },
      yaxis: { ...layout.yaxis, fixedrange: !dragmode },
      dragmode,
      width: box.clientWidth,
      height: narrow && layout.yaxis.scaleanchor ? box.clientWidth + 60 : layout.height,
    }, config);
  }

  // How the panels of an arm's seeds are laid out in the width there is.
  function grid(box) {
    const width = box.clientWidth - 2;
    const { seeds } = latents.arms[box.dataset.arm];
    const most = Math.max(2, Math.floor(width / (LEAST_PANEL + GAP)));
    const rows = Math.ceil(seeds.length / most);
    const columns = Math.ceil(seeds.length / rows);
    const panel = Math.min(LARGEST_PANEL, Math.floor(width / columns) - GAP);
    return { width, columns, panel, height: rows * (panel + TITLE + GAP) };
  }

  // One drawing per arm with a pair of axes per seed.
  function drawPanels(box) {
    const { name, seeds } = latents.arms[box.dataset.arm];
    const { width, columns, panel, height } = grid(box);
    const layout = {
      font, dragmode,
      width: width + 2,
      height: height + 2,
      hovermode: "closest",
      showlegend: false,
      // Room for half the line of a frame.
      margin: { l: 1, r: 1, t: 1, b: 1 },
      annotations: [],
    };
    const column = latents.columns[view.colour];
    const marker = {
      size: panel < 150 ? 3.5 : 5,
      opacity: 0.8,
      color: column ? column.index.map((k) => column.palette[k]) : "#0072b2",
      symbol: column ? column.index.map((k) => column.symbols[k]) : "circle",
    };
    const text = latents.rows.map((row, k) => `row ${row}${column ? `<br>${column.text[k]}` : ""}`);
    const spread = latents.rows.map((_, k) => latents.reach * (1.6 * (k + 0.5) / latents.rows.length - 0.8));
    const data = seeds.map((axes, seed) => {
      const suffix = seed === 0 ? "" : seed + 1;
      const left = (seed % columns) * (panel + GAP);
      const bottom = height - (Math.floor(seed / columns) + 1) * (panel + TITLE + GAP) + GAP;
      const axis = {
        range: [-latents.reach, latents.reach],
        showgrid: false, zeroline: true, zerolinecolor: "#ececec", showticklabels: false, ticks: "",
        showline: true, mirror: true, linecolor: "#aab2bc",
        fixedrange: !dragmode,
      };
      // All panels zoom together.
      const matches = (letter) => (seed === 0 ? {} : { matches: letter });
      layout[`xaxis${suffix}`] = {
        ...axis, ...matches("x"), anchor: `y${suffix}`, domain: [left / width, (left + panel) / width],
      };
      layout[`yaxis${suffix}`] = {
        ...axis, ...matches("y"), anchor: `x${suffix}`, domain: [bottom / height, (bottom + panel) / height],
      };
      layout.annotations.push({
        text: `seed ${seed}${axes ? "" : ": diverged"}`,
        showarrow: false,
        xref: "paper", x: left / width, xanchor: "left",
        yref: "paper", y: (bottom + panel) / height, yanchor: "bottom",
        font: { size: 12, color: "#5a6472" },
      });
      return {
        type: "scatter", mode: "markers", name: `${name} ${seed}`,
        xaxis: `x${suffix}`, yaxis: `y${suffix}`,
        x: axes ? axes[view.across] : [],
        y: !axes ? [] : latents.latentDim > 1 ? axes[view.up] : spread,
        marker, text, hovertemplate: "%{text}<extra></extra>",
      };
    });
    Plotly.react(box, data, layout, config);
    box.dataset.view = wanted();
  }

  const wanted = () => `${view.colour} ${view.across} ${view.up} ${innerWidth}`;
  const visible = new Set();
  const boxes = document.querySelectorAll(".panels");
  const reserve = () => boxes.forEach((box) => { box.style.height = `${grid(box).height + 2}px`; });

  function refresh() {
    for (const box of visible) {
      if (box.dataset.view !== wanted()) drawPanels(box);
    }
  }

  // Thousands of points each: an arm is drawn when it comes into sight.
  reserve();
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) visible.add(entry.target);
      else visible.delete(entry.target);
    }
    refresh();
  }, { rootMargin: "300px" });
  boxes.forEach((box) => watcher.observe(box));

  document.querySelector(".controls").addEventListener("change", ({ target }) => {
    const former = view[target.name];
    view[target.name] = Number(target.value);
    if (view.across === view.up) {
      // The same axis twice shows nothing: the two change places.
      const other = target.name === "across" ? "up" : "across";
      view[other] = former;
      document.getElementById(other).value = former;
    }
    document.querySelectorAll(".colour-legend").forEach((legend) => {
      legend.hidden = Number(legend.dataset.column) !== view.colour;
    });
    refresh();
  });

  const drawFigures = () => document.querySelectorAll(".figure").forEach(drawFigure);
  drawFigures();
  let width = innerWidth;
  let timer;
  addEventListener("resize", () => {
    // A phone's address bar changes the height alone.
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(timer);
    timer = setTimeout(() => { drawFigures(); reserve(); refresh(); }, 150);
  });
})();
