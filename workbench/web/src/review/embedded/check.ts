/** What can be judged without the pipeline's code: needed and empty, length, pattern. The rest after submitting. */
import { statementOf } from "../model";
import type { Answer, Check, ReviewTask, ValueCheck } from "../types";

type Rule = Record<string, unknown>;

export function checkHere(answer: Answer, task: ReviewTask): Check {
  const configured = new Map((task.FieldConfiguration ?? []).map((one) => [String(one.Name), one]));
  const found = new Map(Object.entries(task.ModelResult.Fields));
  const fields: [string, Check["fields"][string]][] = [];
  const problems: Check["problems"] = [];
  for (const name of new Set([...configured.keys(), ...found.keys()])) {
    const said = statementOf(answer, name);
    const isAbsent = said?.isAbsent ?? false;
    const values = (isAbsent ? [] : (said?.values ?? [])).map((value) =>
      valueCheck(value, configured.get(name)),
    );
    const isOptional = Boolean(configured.get(name)?.Optional ?? found.get(name)?.Optional);
    const missing = said !== null && !isAbsent && values.length === 0 && !isOptional;
    fields.push([name, { values, failed_rules: [], missing }]);
    if (missing)
      problems.push({ field: name, message: `${name} is required: give it, or mark it as absent` });
    const isConfirmed = Boolean(answer[`field-confirmed-${name}`]);
    if (!isConfirmed)
      for (const message of values.flatMap((value) => value.failed)) problems.push({ field: name, message });
  }
  return { fields: Object.fromEntries(fields), complete: problems.length === 0, problems };
}

function valueCheck(value: string, configured: Rule | undefined): ValueCheck {
  const rules = Array.isArray(configured?.Validators) ? (configured.Validators as (Rule | string)[]) : [];
  const failed = rules.flatMap((rule) => (typeof rule === "string" ? [] : faultOf(rule, value)));
  return { value, normalized: value, alternatives: [], flags: [], parsed: true, failed };
}

function faultOf(rule: Rule, value: string): string[] {
  if (rule.Name === "length") {
    const count = [...value.replace(/\s+/g, " ").trim()].length;
    const [least, most] = [Number(rule.Minimum ?? 0), Number(rule.Maximum ?? Infinity)];
    if (count < least) return [`length: ${count} characters are too few, at least ${least} are expected`];
    if (count > most) return [`length: ${count} characters are too many, at most ${most} are expected`];
  }
  if (rule.Name === "pattern" && !matches(String(rule.Pattern), rule.IgnoreCase === true, value))
    return [`pattern: ${value} does not match ${String(rule.Pattern)}`];
  return [];
}

/** Python's patterns are not all JavaScript's: what cannot be read here is left to the pipeline. */
function matches(pattern: string, ignoresCase: boolean, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern.replaceAll("(?P<", "(?<")})$`, ignoresCase ? "iu" : "u").test(value);
  } catch {
    return true;
  }
}
