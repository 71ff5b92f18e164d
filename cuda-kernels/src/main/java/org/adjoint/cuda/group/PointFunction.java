package org.adjoint.cuda.group;

import java.util.Locale;
import java.util.StringJoiner;
import org.adjoint.graph.DType;
import org.adjoint.graph.UnaryOp;
import org.adjoint.plan.Group;
import org.adjoint.plan.Instruction;

/**
 * What a group does at one point, as a device function {@code point}: from stored elements and scalars to stored
 * elements, and to values that are yet to be folded. It calls the device functions of {@code elementwise.cuh}.
 */
final class PointFunction {
    private static final int FUNCTION_WORK = 8;

    private PointFunction() { }

    static String stored(DType dtype) {
        return dtype == DType.BOOL ? "b8" : dtype.text();
    }

    static String computed(DType dtype) {
        return dtype == DType.BOOL ? "bool" : dtype.computeType().text();
    }

    /** What a result is folded in: integers in 32 bits at least. */
    static String folded(Group.Result result) {
        return result.dtype().bytes() == 1 ? "i32" : computed(result.dtype());
    }

    /** Whether there are exponentials in {@code F32} that take less work for usual arguments, and no folds. */
    static boolean hasUsual(Group group) {
        return group.results().stream().allMatch(result -> result.reduce() == null)
            && group.body().stream().anyMatch(PointFunction::isExponential);
    }

    private static boolean isExponential(Instruction line) {
        return line instanceof Instruction.Unary unary && unary.op() == UnaryOp.EXP
            && unary.dtype().computeType() == DType.F32;
    }

    /** The function's text. */
    static String text(Group group) {
        return text(group, false);
    }

    /** That of {@code usual_point}, which tells besides whether it did what {@code point} does. */
    static String usual(Group group) {
        return text(group, true);
    }

    private static String text(Group group, boolean usual) {
        StringJoiner parameters = new StringJoiner(", ");
        for (int i = 0; i < group.inputs().size(); i++) {
            parameters.add(stored(group.inputs().get(i)) + " x" + i);
        }
        for (int i = 0; i < group.scalars().size(); i++) {
            parameters.add(stored(group.scalars().get(i)) + " s" + i);
        }
        for (int i = 0; i < group.results().size(); i++) {
            Group.Result result = group.results().get(i);
            parameters.add((result.reduce() == null ? stored(result.dtype()) : folded(result)) + "& y" + i);
        }
        if (usual) {
            parameters.add("bool& usual");
        }
        StringBuilder text = new StringBuilder(usual ? "// The same where exponentials are neither large nor small.\n"
            : "// What happens at one point.\n");
        text.append("__device__ inline void ").append(usual ? "usual_point(" : "point(").append(parameters)
            .append(") {\n");
        for (int i = 0; i < group.body().size(); i++) {
            Instruction line = group.body().get(i);
            text.append("    ").append(computed(line.dtype())).append(" v").append(i).append(" = ")
                .append(usual && isExponential(line) ? usualExponential(line) : expression(line)).append(";\n");
        }
        for (int i = 0; i < group.results().size(); i++) {
            text.append("    y").append(i).append(" = ").append(result(group, group.results().get(i))).append(";\n");
        }
        return text.append("}\n").toString();
    }

    private static String usualExponential(Instruction line) {
        return "op::exp_if_usual(v" + ((Instruction.Unary) line).a() + ", usual)";
    }

    private static String expression(Instruction line) {
        return switch (line) {
            case Instruction.Load load -> "op::load<" + computed(load.dtype()) + ">(x" + load.input() + ")";
            case Instruction.Scalar scalar -> "op::load<" + computed(scalar.dtype()) + ">(s" + scalar.index() + ")";
            case Instruction.Unary unary -> "op::" + function(unary.op().name()) + "(v" + unary.a() + ")";
            case Instruction.Binary binary -> "op::" + function(binary.op().name()) + "(v" + binary.a() + ", v"
                + binary.b() + ")";
            case Instruction.Where where -> "op::where(v" + where.condition() + ", v" + where.a() + ", v" + where.b()
                + ")";
            case Instruction.Cast cast -> "op::to_" + cast.target().text() + "(v" + cast.a() + ")";
        };
    }

    /** An op's device function: its name, with an underscore where that is an operator of C++. */
    private static String function(String op) {
        return switch (op) {
            case "NOT", "AND", "OR", "XOR" -> op.toLowerCase(Locale.ROOT) + "_";
            default -> op.toLowerCase(Locale.ROOT);
        };
    }

    /** Elements that are only moved keep their bits. */
    private static String result(Group group, Group.Result result) {
        if (result.reduce() != null) {
            return "v" + result.value();
        }
        if (group.body().get(result.value()) instanceof Instruction.Load load
            && group.inputs().get(load.input()) == result.dtype()) {
            return "x" + load.input();
        }
        return "op::store<" + stored(result.dtype()) + ">(v" + result.value() + ")";
    }

    /** How much the group computes: about as many lines. */
    static int work(Group group) {
        return group.body().stream().mapToInt(PointFunction::work).sum();
    }

    private static int work(Instruction line) {
        return switch (line) {
            case Instruction.Load load -> 1;
            case Instruction.Scalar scalar -> 0;
            case Instruction.Unary unary -> unary.op().isFloatingOnly() ? FUNCTION_WORK : 1;
            case Instruction.Binary binary -> binary.op().isFloatingOnly() ? FUNCTION_WORK : 1;
            case Instruction.Where where -> 1;
            case Instruction.Cast cast -> 1;
        };
    }
}
