import { expect, test } from "vitest";
import { Contents } from "./contents";

test("a page is asked for once, again after it failed or was forgotten, and old ones go", async () => {
  const asked: number[] = [];
  let isDown = true;
  const contents = new Contents({
    page: async (number) => {
      asked.push(number);
      if (isDown) throw new Error("down");
      return { page: number, words: [], image: null };
    },
  });

  await expect(contents.page(1)).rejects.toThrow("down");
  isDown = false;
  await contents.page(1);
  await contents.page(1);
  expect(asked).toEqual([1, 1]);
  contents.forget(1);
  await contents.page(1);
  expect(asked).toEqual([1, 1, 1]);

  for (let number = 2; number <= 60; number += 1) await contents.page(number);
  asked.length = 0;
  await contents.page(60);
  await contents.page(1);
  expect(asked).toEqual([1]);
});
