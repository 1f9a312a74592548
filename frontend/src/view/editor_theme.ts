/** The viewer's looks; every colour is a variable of the explorer's root (widget.css). */
import { EditorView } from "@codemirror/view";

export const editorTheme = EditorView.theme({
  "&": {
    height: "100%",
    color: "var(--il-fg)",
    backgroundColor: "var(--il-bg)",
    fontSize: "12px",
  },
  "&.cm-focused": { outline: "2px solid var(--il-accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--il-mono)", lineHeight: "1.5", overflow: "auto" },
  ".cm-content": { padding: "4px 0", caretColor: "var(--il-fg)" },
  ".cm-line": { padding: "0 10px 0 6px" },
  ".cm-gutters": {
    backgroundColor: "var(--il-bg)",
    color: "var(--il-fg-muted)",
    border: "none",
    borderRight: "1px solid var(--il-line)",
  },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 4px 0 10px", minWidth: "28px" },
  ".cm-foldGutter .cm-gutterElement": { padding: "0 4px", cursor: "pointer" },
  ".cm-cursor": { borderLeftColor: "var(--il-fg)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { background: "var(--il-text-selection)" },
  ".cm-selectionMatch": { backgroundColor: "var(--il-match)" },
  ".cm-searchMatch": { backgroundColor: "var(--il-match)", outline: "1px solid var(--il-warn)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--il-match-strong)" },
  ".cm-foldPlaceholder": {
    color: "var(--il-fg-2)",
    background: "var(--il-bg-2)",
    border: "1px solid var(--il-line)",
    borderRadius: "3px",
    padding: "0 5px",
    margin: "0 2px",
  },
  ".cm-panels": {
    backgroundColor: "var(--il-bg-1)",
    color: "var(--il-fg)",
    borderColor: "var(--il-line)",
  },
  ".cm-panels.cm-panels-top": { borderBottom: "1px solid var(--il-line)" },
  ".cm-panel.cm-search": { padding: "5px 28px 5px 8px", font: "12px var(--il-sans)" },
  ".cm-panel.cm-search label": { fontSize: "12px", display: "inline-flex", alignItems: "center" },
  ".cm-panel.cm-search [name=close]": {
    color: "var(--il-fg-2)",
    fontSize: "16px",
    top: "4px",
    right: "6px",
  },
  // A viewer replaces nothing.
  ".cm-panel.cm-search [name=replace], .cm-panel.cm-search [name=replaceAll], .cm-panel.cm-search br":
    { display: "none" },
  ".cm-textfield": {
    backgroundColor: "var(--il-bg)",
    color: "var(--il-fg)",
    border: "1px solid var(--il-line-strong)",
    borderRadius: "4px",
    fontSize: "12px",
  },
  ".cm-button": {
    backgroundImage: "none",
    backgroundColor: "var(--il-bg)",
    color: "var(--il-fg)",
    border: "1px solid var(--il-line-strong)",
    borderRadius: "4px",
    fontSize: "12px",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--il-bg-1)",
    color: "var(--il-fg)",
    border: "1px solid var(--il-line-strong)",
    borderRadius: "4px",
  },
  ".cm-collapsedLines": {
    color: "var(--il-fg-2)",
    background: "var(--il-bg-1)",
    padding: "2px 10px",
    fontFamily: "var(--il-sans)",
    fontSize: "11.5px",
  },
  ".cm-changedLineGutter": { background: "var(--il-accent)" },
  "&.cm-merge-a .cm-changedLine, &.cm-merge-a .cm-deletedLine": {
    backgroundColor: "var(--il-del)",
  },
  "&.cm-merge-b .cm-changedLine, &.cm-merge-b .cm-inlineChangedLine": {
    backgroundColor: "var(--il-add)",
  },
  "&.cm-merge-a .cm-changedText, &.cm-merge-a .cm-deletedText": {
    background: "var(--il-del-strong)",
  },
  "&.cm-merge-b .cm-changedText": { background: "var(--il-add-strong)" },
  "&.cm-merge-a .cm-changedLineGutter": { background: "var(--il-del-mark)" },
  "&.cm-merge-b .cm-changedLineGutter": { background: "var(--il-add-mark)" },
  ".cm-line.il-line-selected": {
    backgroundColor: "var(--il-accent-bg)",
    boxShadow: "inset 3px 0 var(--il-accent)",
  },
  ".il-tok-comment": { color: "var(--il-tok-comment)", fontStyle: "italic" },
  ".il-tok-string": { color: "var(--il-tok-string)" },
  ".il-tok-symbol": { color: "var(--il-tok-symbol)" },
  ".il-tok-block": { color: "var(--il-tok-symbol)" },
  ".il-tok-attribute": { color: "var(--il-tok-attribute)" },
  ".il-tok-type": { color: "var(--il-tok-type)" },
  ".il-tok-op": { color: "var(--il-tok-op)", fontWeight: "600" },
  ".il-tok-number": { color: "var(--il-tok-number)" },
  ".il-ssa-use": { backgroundColor: "var(--il-match)", borderRadius: "2px" },
  ".il-ssa-definition": {
    backgroundColor: "var(--il-match-strong)",
    borderRadius: "2px",
    outline: "1px solid var(--il-warn)",
  },
});
