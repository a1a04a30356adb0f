/** Words and image of pages, asked for once and kept for the pages looked at last. */
import type { PageContent, PageSource } from "../types";

const KEPT = 40;

export class Contents {
  private readonly pages = new Map<number, Promise<PageContent>>();

  constructor(private readonly source: PageSource) {}

  page(number: number): Promise<PageContent> {
    const known = this.pages.get(number);
    const asked = known ?? this.source.page(number);
    // Put in again, so that it is the newest; what failed is asked for again.
    this.pages.delete(number);
    this.pages.set(number, asked);
    if (!known) asked.catch(() => this.pages.get(number) === asked && this.pages.delete(number));
    for (const oldest of this.pages.keys()) {
      if (this.pages.size <= KEPT) break;
      this.pages.delete(oldest);
    }
    return asked;
  }

  forget(number: number): void {
    this.pages.delete(number);
  }
}
