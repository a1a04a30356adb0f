/**
 * What of a long document is in view: scrolling, zoom, turning. One place of the document is held fast
 * (the anchor) while sizes around it become known or change, so nothing jumps under the eye.
 */
import { computed, nextTick, onBeforeUnmount, onMounted, ref, shallowRef, watch, type Ref } from "vue";
import { middleOf, turnedBox, turnedBy, type Box, type Quarter } from "./geometry";
import { EDGE, estimated, layoutOf, leftOf, pageAt, pagesBetween, type Frame, type Zoom } from "./layout";

/** A4: until a page is known. */
const USUAL_RATIO = 210 / 297;
const ZOOM_STEP = 1.25;
const LEAST_ZOOM = 0.25;
const MOST_ZOOM = 8;
/** How far from the edge of the view a box has to be to count as seen. */
const MARGIN = 24;

/** A place of a page (parts of its sides) and where in the view it is held, in pixels. */
interface Anchor {
  page: number;
  across: number;
  down: number;
  x: number;
  y: number;
}

export function useViewport(area: Ref<HTMLElement | null>, count: Ref<number>) {
  const shapes = shallowRef<ReadonlyMap<number, number>>(new Map());
  const zoom = ref<Zoom>(1);
  const quarter = ref<Quarter>(0);
  const frame = shallowRef<Frame>({ width: 0, height: 0 });
  const scrolled = ref(0);
  let anchor: Anchor = { page: 1, across: 0.5, down: 0, x: 0, y: EDGE };
  let own: [left: number, top: number] = [0, 0];
  let resizes: ResizeObserver | null = null;

  const layout = computed(() => {
    const ratios = estimated(shapes.value, count.value, USUAL_RATIO);
    const seen = quarter.value % 2 ? ratios.map((ratio) => 1 / ratio) : ratios;
    return layoutOf(seen, frame.value, zoom.value);
  });
  // The same array while it names the same pages: scrolling within them draws nothing again.
  const near = computed<number[]>((before) => {
    const { height } = frame.value;
    const { value: top } = scrolled;
    const now = height ? pagesBetween(layout.value, top - height / 2, top + height * 1.5) : [];
    return before && before[0] === now[0] && before.length === now.length ? before : now;
  });
  const places = computed(() => {
    const { tops, widths, heights } = layout.value;
    const place = (page: number) => ({
      ...{ left: leftOf(layout.value, page), top: tops[page - 1]! },
      ...{ width: widths[page - 1]!, height: heights[page - 1]! },
    });
    return new Map(near.value.map((page) => [page, place(page)]));
  });
  const at = computed(() =>
    count.value ? pageAt(layout.value, scrolled.value + frame.value.height / 3) : 1,
  );
  const percent = computed(() => {
    const width = layout.value.widths[at.value - 1] ?? 0;
    return Math.round((100 * width) / Math.max(frame.value.width - 2 * EDGE, 1));
  });

  onMounted(() => {
    resizes = new ResizeObserver(measure);
    resizes.observe(area.value!);
    measure();
  });
  onBeforeUnmount(() => resizes?.disconnect());
  watch(layout, hold, { flush: "post" });

  function measure(): void {
    const root = area.value;
    if (!root) return;
    const { width, height } = frame.value;
    if (root.clientWidth === width && root.clientHeight === height) return;
    frame.value = { width: root.clientWidth, height: root.clientHeight };
  }

  /** Scroll so that the anchor is where it is held. */
  function hold(): void {
    const root = area.value;
    const page = Math.min(anchor.page, count.value);
    if (!root || page < 1) return;
    const { tops, heights, widths } = layout.value;
    root.scrollTop = tops[page - 1]! + anchor.down * heights[page - 1]! - anchor.y;
    const wide = layout.value.width > frame.value.width;
    root.scrollLeft = wide ? leftOf(layout.value, page) + anchor.across * widths[page - 1]! - anchor.x : 0;
    own = [root.scrollLeft, root.scrollTop];
    scrolled.value = root.scrollTop;
  }

  /** Whether a person scrolled, and not this. */
  function onScroll(): boolean {
    const root = area.value;
    if (!root) return false;
    const isOwn = Math.abs(root.scrollTop - own[1]) < 1 && Math.abs(root.scrollLeft - own[0]) < 1;
    if (isOwn) return false;
    own = [root.scrollLeft, root.scrollTop];
    scrolled.value = root.scrollTop;
    anchor = placeAt(frame.value.width / 2, 0);
    return true;
  }

  /** What is now at a point of the view. */
  function placeAt(x: number, y: number): Anchor {
    const root = area.value!;
    const page = pageAt(layout.value, root.scrollTop + y);
    const { tops, heights, widths } = layout.value;
    return {
      page,
      across: (root.scrollLeft + x - leftOf(layout.value, page)) / widths[page - 1]!,
      down: (root.scrollTop + y - tops[page - 1]!) / heights[page - 1]!,
      x,
      y,
    };
  }

  function shaped(page: number, ratio: number): void {
    const known = shapes.value.get(page);
    if (!(ratio > 0) || (known && Math.abs(known / ratio - 1) < 1e-4)) return;
    shapes.value = new Map([...shapes.value, [page, ratio]]);
  }

  function turnTo(page: number): void {
    const asked = Math.min(Math.max(Math.round(page) || 1, 1), Math.max(count.value, 1));
    anchor = { page: asked, across: 0.5, down: 0, x: frame.value.width / 2, y: EDGE };
    hold();
  }

  /** Scroll no more than it takes to see this place of a page. */
  async function show(page: number, box: Box): Promise<void> {
    if (count.value < page || page < 1) return;
    const seen = turnedBox(box, quarter.value);
    if (isSeen(page, seen)) return;
    const [across, down] = middleOf(seen);
    const { width, height } = frame.value;
    anchor = { page, across, down, x: width / 2, y: height / 2 };
    hold();
    await nextTick();
  }

  function isSeen(page: number, [left, top, right, bottom]: Box): boolean {
    const root = area.value;
    if (!root) return false;
    const { tops, heights, widths } = layout.value;
    const x = leftOf(layout.value, page) - root.scrollLeft;
    const y = tops[page - 1]! - root.scrollTop;
    const [across, down] = [widths[page - 1]!, heights[page - 1]!];
    const { width, height } = frame.value;
    const isTall = (bottom - top) * down > height - 2 * MARGIN;
    const isWide = (right - left) * across > width - 2 * MARGIN;
    return (
      (isWide || (x + left * across >= 0 && x + right * across <= width)) &&
      y + top * down >= MARGIN &&
      (y + bottom * down <= height - MARGIN || (isTall && y + top * down < height / 2))
    );
  }

  function zoomTo(wanted: Zoom, x = frame.value.width / 2, y = frame.value.height / 3): void {
    if (count.value) anchor = placeAt(x, y);
    zoom.value = typeof wanted === "number" ? Math.min(Math.max(wanted, LEAST_ZOOM), MOST_ZOOM) : wanted;
  }

  function zoomBy(factor: number, x?: number, y?: number): void {
    const now = zoom.value === "page" ? percent.value / 100 : zoom.value;
    zoomTo(now * factor, x, y);
  }

  function rotate(by: number): void {
    const page = at.value;
    quarter.value = turnedBy(quarter.value, by);
    anchor = { page, across: 0.5, down: 0, x: frame.value.width / 2, y: EDGE };
  }

  return {
    ...{ zoom, quarter, layout, near, places, at, percent },
    ...{ onScroll, shaped, turnTo, show, zoomTo, rotate },
    larger: () => zoomBy(ZOOM_STEP),
    smaller: () => zoomBy(1 / ZOOM_STEP),
    zoomBy,
  };
}

export type Viewport = ReturnType<typeof useViewport>;
