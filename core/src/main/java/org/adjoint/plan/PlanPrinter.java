package org.adjoint.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.UnaryOp;

/** Writes plans for people. */
public final class PlanPrinter {
    private PlanPrinter() { }

    /**
     * One line per step: what it computes from which slots ({@code %0} is the first external one), the loop domain of a
     * group with its reduced extents behind a bar, bytes read and written, and why it ends where it does; then totals.
     */
    public static String explain(Plan plan) {
        StringBuilder text = new StringBuilder();
        long read = 0;
        long written = 0;
        for (int i = 0; i < plan.steps().size(); i++) {
            PlanStep step = plan.steps().get(i);
            long stepRead = bytes(step.inputs());
            long stepWritten = bytes(step.outputs());
            read += stepRead;
            written += stepWritten;
            text.append(String.format(Locale.ROOT, "%4d  %s  [reads %s, writes %s]", i, body(step), size(stepRead),
                size(stepWritten)));
            text.append(plan.notes().get(i).isEmpty() ? "" : "  (" + plan.notes().get(i) + ")").append('\n');
            if (step instanceof PlanStep.Scan scan) {
                text.append(explain(scan.body()).indent(6));
            }
        }
        long external = plan.slots().stream().filter(slot -> slot.kind() == Slot.Kind.EXTERNAL)
            .mapToLong(Slot::bytes).sum();
        long intermediate = plan.slots().stream().filter(slot -> slot.kind() == Slot.Kind.ARENA)
            .mapToLong(Slot::bytes).sum();
        text.append(plan.steps().size()).append(" steps, ").append(size(read + written)).append(" moved: ")
            .append(size(read)).append(" read, ").append(size(written)).append(" written\n");
        text.append(size(plan.arenaBytes())).append(" arena for ").append(size(intermediate))
            .append(" of intermediates, ").append(size(external)).append(" in ").append(plan.externals())
            .append(" external buffers\n");
        return text.toString();
    }

    private static String body(PlanStep step) {
        return switch (step) {
            case PlanStep.Kernel kernel -> list(kernel.outputs()) + " = " + kernel.op().name() + "("
                + list(kernel.inputs()) + ")" + attributes(kernel);
            case PlanStep.Scan scan -> list(scan.outputs()) + " = scan(" + list(scan.inputs()) + ") {" + scan.length()
                + (scan.reverse() ? " iterations, the last slice first}" : " iterations}") + bindings(scan);
            case PlanStep.Elementwise group -> domain(group) + ": " + new Text(group).statements();
        };
    }

    /** What the external slots of a loop's body are. */
    private static String bindings(PlanStep.Scan scan) {
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < scan.bindings().size(); i++) {
            texts.add("%" + i + " is " + switch (scan.bindings().get(i)) {
                case PlanStep.Binding.Input(int input) -> "%" + scan.inputs().get(input).slot();
                case PlanStep.Binding.InputSlice(int input) -> "a slice of %" + scan.inputs().get(input).slot();
                case PlanStep.Binding.OutputSlice(int output) -> "a slice of %" + scan.outputs().get(output).slot();
                case PlanStep.Binding.Alternating _ -> "a new carry";
                case PlanStep.Binding.Delayed(int first, _) -> "a carry, first %" + scan.inputs().get(first).slot();
            });
        }
        return " where " + String.join(", ", texts);
    }

    /** What the operation's record holds, where it holds something. */
    private static String attributes(PlanStep.Kernel kernel) {
        String text = kernel.op().toString();
        String held = text.substring(text.indexOf('[') + 1, text.length() - 1);
        return held.isEmpty() ? "" : " {" + held + "}";
    }

    private static String list(List<View> views) {
        return views.stream().map(View::toString).collect(Collectors.joining(", "));
    }

    /** {@code (32, 8 | 100)}: the last of three loops is reduced. */
    private static String domain(PlanStep.Elementwise step) {
        StringBuilder text = new StringBuilder("(");
        int kept = step.extents().length - step.reducedAxes();
        for (int axis = 0; axis < step.extents().length; axis++) {
            text.append(axis == 0 ? "" : axis == kept ? " | " : ", ").append(axis == 0 && kept == 0 ? "| " : "")
                .append(step.extents()[axis]);
        }
        return text.append(')').toString();
    }

    /** Bytes of the elements that views touch, each counted once per view. */
    private static long bytes(List<View> views) {
        return views.stream().mapToLong(view ->
            new Layout(view.shape(), view.strides(), view.offset()).distinctElements() * view.dtype().bytes()).sum();
    }

    private static String size(long bytes) {
        return bytes < 10_000 ? bytes + " B" : bytes < 10_000_000 ? bytes / 1000 + " kB" : bytes / 1_000_000 + " MB";
    }

    /** The body of a group as assignments; what is used once is written where it is used. */
    private static final class Text {
        private final PlanStep.Elementwise step;
        private final String[] names;
        private final List<String> statements = new ArrayList<>();

        Text(PlanStep.Elementwise step) {
            this.step = step;
            List<Instruction> body = step.group().body();
            this.names = new String[body.size()];
            int[] uses = new int[body.size()];
            body.forEach(line -> Arrays.stream(operands(line)).forEach(operand -> uses[operand]++));
            step.group().results().forEach(result -> uses[result.value()]++);
            for (int i = 0; i < names.length; i++) {
                boolean named = uses[i] > 1
                    && !(body.get(i) instanceof Instruction.Load) && !(body.get(i) instanceof Instruction.Scalar);
                String expression = expression(body.get(i));
                names[i] = named ? "t" + i : expression;
                if (named) {
                    statements.add("t" + i + " = " + unwrapped(expression));
                }
            }
            for (int i = 0; i < step.outputs().size(); i++) {
                Group.Result result = step.group().results().get(i);
                String value = unwrapped(names[result.value()]);
                statements.add(operand(step.outputs().get(i)) + " = "
                    + (result.reduce() == null ? value : result.reduce().text() + "(" + value + ")"));
            }
        }

        String statements() {
            return String.join("; ", statements);
        }

        private String operand(View view) {
            boolean plain = view.isContiguous() && view.offset() == 0;
            String strides = Arrays.stream(view.strides()).mapToObj(Long::toString).collect(Collectors.joining(","));
            return "%" + view.slot() + "." + view.dtype().text() + (plain ? "" : "<" + strides
                + (view.offset() == 0 ? ">" : " at " + view.offset() + ">"));
        }

        private String expression(Instruction line) {
            return switch (line) {
                case Instruction.Load load -> operand(step.inputs().get(load.input()));
                case Instruction.Scalar scalar -> "s" + step.scalars()[scalar.index()];
                case Instruction.Unary unary -> unary.op() == UnaryOp.NEG ? "-" + names[unary.a()]
                    : unary.op().text() + "(" + unwrapped(names[unary.a()]) + ")";
                case Instruction.Binary binary -> binary(binary.op(), names[binary.a()], names[binary.b()]);
                case Instruction.Where where -> "(" + names[where.condition()] + " ? " + names[where.a()] + " : "
                    + names[where.b()] + ")";
                case Instruction.Cast cast -> cast.target().text() + "(" + unwrapped(names[cast.a()]) + ")";
            };
        }

        private static String binary(BinaryOp op, String a, String b) {
            String symbol = switch (op) {
                case ADD -> "+";
                case SUB -> "-";
                case MUL -> "*";
                case DIV -> "/";
                case REMAINDER -> "%";
                case AND -> "&";
                case OR -> "|";
                case XOR -> "^";
                case SHIFT_LEFT -> "<<";
                case SHIFT_RIGHT_LOGICAL -> ">>>";
                case EQUAL -> "==";
                case NOT_EQUAL -> "!=";
                case LESS_THAN -> "<";
                case LESS_OR_EQUAL -> "<=";
                case GREATER_THAN -> ">";
                case GREATER_OR_EQUAL -> ">=";
                case POW, MIN, MAX -> null;
            };
            return symbol == null ? op.text() + "(" + unwrapped(a) + ", " + unwrapped(b) + ")"
                : "(" + a + " " + symbol + " " + b + ")";
        }

        /** Without parentheses around all of it. */
        private static String unwrapped(String text) {
            int depth = 0;
            for (int i = 0; i < text.length() - 1; i++) {
                depth += text.charAt(i) == '(' ? 1 : text.charAt(i) == ')' ? -1 : 0;
                if (depth == 0) {
                    return text;
                }
            }
            return text.startsWith("(") ? text.substring(1, text.length() - 1) : text;
        }

        private static int[] operands(Instruction line) {
            return switch (line) {
                case Instruction.Load _, Instruction.Scalar _ -> new int[0];
                case Instruction.Unary unary -> new int[] {unary.a()};
                case Instruction.Binary binary -> new int[] {binary.a(), binary.b()};
                case Instruction.Where where -> new int[] {where.condition(), where.a(), where.b()};
                case Instruction.Cast cast -> new int[] {cast.a()};
            };
        }
    }
}
