/** What a viewer colours in LLVM IR, assembly and SPIR-V: one group per token class, as for MLIR. */
import type { Language } from "./executables.ts";
import { TOKEN_CLASSES, TOKEN_PATTERN, type TokenClass } from "./mlir.ts";

const NEVER = "(?!)";

function pattern(groups: Partial<Record<TokenClass, string>>): RegExp {
  return new RegExp(TOKEN_CLASSES.map((kind) => `(${groups[kind] ?? NEVER})`).join("|"), "gm");
}

const STRING = String.raw`c?"(?:[^"\\]|\\.)*"`;
const NUMBER = String.raw`(?<![\w.%$])-?(?:0x[\da-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)\b`;

export const PATTERNS: Readonly<Record<Language, RegExp>> = {
  mlir: TOKEN_PATTERN,
  llvm: pattern({
    comment: ";.*",
    string: STRING,
    ssa: String.raw`%(?:[\w$.-]+|"[^"]*")`,
    symbol: String.raw`@(?:[\w$.-]+|"[^"]*")`,
    attribute: String.raw`[!#][\w$.-]*`,
    type: String.raw`\b(?:ptr|void|float|double|half|bfloat|label|i\d+)\b|<\d+ x `,
    op: String.raw`(?<=^\s+(?:%[\w$.-]+ = )?(?:tail |fast )?)[a-z]\w*|\b(?:define|declare)\b`,
    number: NUMBER,
  }),
  assembly: pattern({
    comment: "#.*|//.*",
    string: STRING,
    symbol: String.raw`^[\w.$"]+:|\.L\w+`,
    attribute: String.raw`(?<=^\s+)\.\w+`,
    type: String.raw`%\w+|\{%k\d\}|\b[xwvqdsz]\d+\b`,
    op: String.raw`(?<=^\s+)[a-z]\w*`,
    number: String.raw`\$?${NUMBER}`,
  }),
  spirv: pattern({
    comment: ";.*",
    string: STRING,
    ssa: String.raw`%[\w$.]+`,
    op: String.raw`\bOp[A-Z]\w*`,
    number: NUMBER,
  }),
};
