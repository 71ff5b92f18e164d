package org.adjoint.plan;

import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.UnaryOp;

/**
 * One line of a {@link Group}: it computes one value per point of the loop domain, from the values of earlier lines,
 * which it names by their index.
 *
 * <p>Values have {@linkplain DType#computeType() compute types}: a 16-bit value is an {@code F32} inside a group.
 */
public sealed interface Instruction {
    /** The type of the value: never {@code F16} or {@code BF16}. */
    DType dtype();

    /** The element of operand {@code input} at this point, widened to its compute type. */
    record Load(int input, DType dtype) implements Instruction { }

    /** Scalar argument {@code index} of the group, given anew at each run. */
    record Scalar(int index, DType dtype) implements Instruction { }

    /** {@code op(a)}. */
    record Unary(UnaryOp op, int a, DType dtype) implements Instruction { }

    /** {@code op(a, b)}; both operands have one type, and comparisons give {@code BOOL}. */
    record Binary(BinaryOp op, int a, int b, DType dtype) implements Instruction { }

    /** {@code condition ? a : b}. */
    record Where(int condition, int a, int b, DType dtype) implements Instruction { }

    /**
     * {@code a} converted to {@code target}. Floating to integer truncates towards zero, saturates, and turns NaN into
     * 0, as Java does ({@code U8} saturates at 0 and 255); to {@code BOOL} is {@code a != 0}; integer to narrower
     * integer wraps. A 16-bit target rounds the value to nearest even, and the value goes on as an {@code F32}.
     */
    record Cast(int a, DType target, DType dtype) implements Instruction { }
}
