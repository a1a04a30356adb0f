import { expect, test } from "vitest";
import { AttributeError, readLenient, readStrings } from "./lenient";

test.each([
  ["['Cat', 'Dog']", ["Cat", "Dog"]],
  ['["it\'s", "{{ x }}"]', ["it's", "{{ x }}"]],
  [
    "[{label: 'person', startOffset: 0, endOffset: 16},]",
    [{ label: "person", startOffset: 0, endOffset: 16 }],
  ],
  ["{ 'a': -1.5e2, \"b\": [true, null,], }", { a: -150, b: [true, null] }],
  [
    "{'src': 'https://b/x?a=1&b=2', 'labelMappings': { \"O\\u0027Neil\": {color: '#1f77b4'}, } }",
    { src: "https://b/x?a=1&b=2", labelMappings: { "O'Neil": { color: "#1f77b4" } } },
  ],
])("what AWS's examples write is read: %s", (text, value) => {
  expect(readLenient(text)).toEqual(value);
});

test.each(["[", "['a' 'b']", "{a}", "alert(1)", "['a'] + 1", "{a: window}"])(
  "nothing but values is read: %s",
  (text) => {
    expect(() => readLenient(text)).toThrow(AttributeError);
  },
);

test("a fault is told with its place", () => {
  expect(() => readLenient("['a', oops]")).toThrow("expected a value at character 7, but saw oops]");
});

test("a key of the language's own is a key like others", () => {
  const value = readLenient("{'__proto__': {polluted: true}, a: 1}") as Record<string, unknown>;

  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(value.a).toBe(1);
});

test("labels are a list of strings", () => {
  expect(readStrings("['A', 1]")).toEqual(["A", "1"]);
  expect(() => readStrings("{a: 1}")).toThrow(AttributeError);
});
