// Attribute values as AWS's crowd elements take them: JSON, but also single quotes, keys without quotes and
// commas at the end, as AWS's own examples write them. Values only: nothing is ever executed.

export class AttributeError extends Error {}

class Reader {
  private at = 0;
  constructor(private readonly text: string) {}

  document(): unknown {
    const value = this.value();
    this.skipSpace();
    if (this.at < this.text.length) this.fail("the end");
    return value;
  }

  private value(): unknown {
    this.skipSpace();
    const next = this.text[this.at];
    if (next === "[") return this.list();
    if (next === "{") return this.object();
    if (next === '"' || next === "'") return this.string(next);
    return this.word();
  }

  private list(): unknown[] {
    this.at += 1;
    const items: unknown[] = [];
    while (!this.takes("]")) {
      items.push(this.value());
      if (!this.takes(",")) {
        this.expect("]");
        break;
      }
    }
    return items;
  }

  private object(): Record<string, unknown> {
    this.at += 1;
    // No prototype: a key such as "__proto__" is a key like any other.
    const members: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    while (!this.takes("}")) {
      const key = this.key();
      this.expect(":");
      members[key] = this.value();
      if (!this.takes(",")) {
        this.expect("}");
        break;
      }
    }
    return members;
  }

  private key(): string {
    this.skipSpace();
    const next = this.text[this.at];
    if (next === '"' || next === "'") return this.string(next);
    const found = /^[\p{L}_$][\p{L}\p{N}_$-]*/u.exec(this.text.slice(this.at));
    if (!found) this.fail("a key");
    this.at += found![0].length;
    return found![0];
  }

  private string(quote: string): string {
    let out = "";
    for (this.at += 1; this.at < this.text.length; this.at += 1) {
      const char = this.text[this.at]!;
      if (char === quote) {
        this.at += 1;
        return out;
      }
      out += char === "\\" ? this.escaped() : char;
    }
    return this.fail("the end of a string");
  }

  private escaped(): string {
    this.at += 1;
    const char = this.text[this.at] ?? "";
    if (char !== "u") return { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f" }[char] ?? char;
    const digits = this.text.slice(this.at + 1, this.at + 5);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail("four hex digits");
    this.at += 4;
    return String.fromCharCode(parseInt(digits, 16));
  }

  private word(): unknown {
    const found = /^[^\s,\]}:]+/.exec(this.text.slice(this.at));
    const word = found?.[0] ?? "";
    this.at += word.length;
    if (word === "true" || word === "false") return word === "true";
    if (word === "null" || word === "undefined") return null;
    const number = Number(word);
    if (word === "" || Number.isNaN(number)) ((this.at -= word.length), this.fail("a value"));
    return number;
  }

  private takes(char: string): boolean {
    this.skipSpace();
    if (this.text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }

  private expect(char: string): void {
    if (!this.takes(char)) this.fail(`"${char}"`);
  }

  private skipSpace(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at += 1;
  }

  private fail(expected: string): never {
    const seen = this.text.slice(this.at, this.at + 20) || "the end";
    throw new AttributeError(`expected ${expected} at character ${this.at + 1}, but saw ${seen}`);
  }
}

/** What an attribute says. Throws AttributeError with the place of the fault. */
export function readLenient(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return new Reader(text).document();
  }
}

/** A list of strings (labels, categories). */
export function readStrings(text: string | null): string[] {
  if (text === null || text.trim() === "") return [];
  const value = readLenient(text);
  if (!Array.isArray(value)) throw new AttributeError(`expected a list of strings, but saw ${typeof value}`);
  return value.map(String);
}
