// What the tools with a picture share: loading it, the buttons for zooming, the size in the answer.
import { settled } from "./answering";
import { type Size } from "./geometry";
import { Stage } from "./stage";
import { Tool } from "./workspace";

export abstract class PictureTool extends Tool {
  protected readonly stage = new Stage("Picture");
  protected begin(): Promise<unknown> | void {
    return this.loadPicture();
  }

  protected loadPicture(): Promise<Size> {
    this.stage.element.setAttribute(
      "aria-label",
      `${this.getAttribute("header") ?? "Picture"}. Press question mark for keys.`,
    );
    this.centre.append(this.stage.element);
    this.bar.prepend(
      this.button("−", "zoom out, −", this.stage.zoomOut),
      this.button("+", "zoom in, +", this.stage.zoomIn),
      this.button("Whole picture", "0", () => this.stage.fit()),
      this.button("Width", "f", () => this.stage.fitWidth()),
    );
    const source = this.getAttribute("src");
    if (!source) throw new Error("the attribute src is missing: there is no picture");
    return this.stage.load(source).then((size) => {
      settled(this);
      return size;
    });
  }

  protected pictureKey(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "+" || event.key === "=") return (this.stage.zoomIn(), true);
    if (event.key === "-" || event.key === "_") return (this.stage.zoomOut(), true);
    if (event.key === "0") return (this.stage.fit(), true);
    if (event.key === "f") return (this.stage.fitWidth(), true);
    return false;
  }

  protected get imageProperties(): { height: number; width: number } {
    return { height: this.stage.size.height, width: this.stage.size.width };
  }
}
