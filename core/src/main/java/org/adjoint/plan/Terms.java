package org.adjoint.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.adjoint.graph.BinaryOp;
import org.adjoint.graph.DType;
import org.adjoint.graph.Op;
import org.adjoint.graph.Shape;
import org.adjoint.graph.TensorType;

/** Where terms are born: with rewriting, in simplest form and each but once. */
final class Terms {
    /** What makes two terms one. */
    private record Key(Op op, List<TensorType> types, List<Term> inputs, int scalar) { }

    /** What makes two known constants one. */
    private record Known(DType dtype, long bits) { }

    private final boolean rewrites;
    private final Simplifier simplifier = new Simplifier(this);
    private final List<Term> all = new ArrayList<>();
    private final Map<Key, Term> unique = new HashMap<>();
    /** Values of the plan's scalars, null where the plan serves any. */
    private final List<Long> scalarBits = new ArrayList<>();
    private final Map<Known, Integer> knownScalars = new HashMap<>();
    private int bound;

    /** @param bound how many scalars are bound at each run; they come first */
    Terms(boolean rewrites, int bound) {
        this.rewrites = rewrites;
        this.bound = bound;
    }

    List<Term> all() {
        return all;
    }

    Term leaf(TensorType type) {
        return add(new Op.Leaf(), List.of(type), List.of(), -1);
    }

    /** The program's next constant, whose value may be looked at if {@code known}. */
    Term boundConstant(DType dtype, long bits, boolean known) {
        int scalar = scalarBits.size();
        scalarBits.add(known ? bits : null);
        if (known && rewrites) {
            Integer first = knownScalars.putIfAbsent(new Known(dtype, bits), scalar);
            scalar = first == null ? scalar : first;
        }
        return constant(scalar, dtype, Shape.SCALAR);
    }

    /** A constant that planning brings in; all of the program's are here already. */
    Term extraConstant(DType dtype, long bits) {
        if (scalarBits.size() < bound) {
            throw new IllegalStateException("the program's constants come first");
        }
        Integer scalar = knownScalars.get(new Known(dtype, bits));
        if (scalar == null) {
            scalar = scalarBits.size();
            scalarBits.add(bits);
            knownScalars.put(new Known(dtype, bits), scalar);
        }
        return constant(scalar, dtype, Shape.SCALAR);
    }

    /** Values of the constants that planning brought in. */
    List<Long> extraScalars() {
        return List.copyOf(scalarBits.subList(bound, scalarBits.size()));
    }

    private Term constant(int scalar, DType dtype, Shape shape) {
        return unique(new Op.Constant(0), List.of(new TensorType(dtype, shape)), List.of(), scalar);
    }

    /** The value of a constant's elements, where it may be looked at. */
    OptionalLong bits(Term term) {
        Long bits = term.isConstant() ? scalarBits.get(term.scalar) : null;
        return bits == null ? OptionalLong.empty() : OptionalLong.of(bits);
    }

    Term of(Op op, TensorType type, Term... inputs) {
        return of(op, type, List.of(inputs));
    }

    Term of(Op op, TensorType type, List<Term> inputs) {
        if (isMovement(op) && inputs.getFirst().isConstant()) {
            return constant(inputs.getFirst().scalar, type.dtype(), type.shape());
        }
        if (!rewrites) {
            return add(op, List.of(type), inputs, -1);
        }
        Term simpler = simplifier.simplify(op, type, inputs);
        return simpler != null ? simpler : unique(op, List.of(type), inputs, -1);
    }

    /** An operation with any number of results, which {@link Op.Project} terms read. */
    Term several(Op op, List<TensorType> types, List<Term> inputs) {
        return unique(op, types, inputs, -1);
    }

    private Term unique(Op op, List<TensorType> types, List<Term> inputs, int scalar) {
        if (!rewrites) {
            return add(op, types, inputs, scalar);
        }
        Key key = new Key(op, types, inSomeOrder(op, inputs), scalar);
        Term known = unique.get(key);
        if (known == null) {
            known = add(op, types, inputs, scalar);
            unique.put(key, known);
        }
        return known;
    }

    /** Operands of commutative functions in order of birth, so that a + b is b + a. */
    private static List<Term> inSomeOrder(Op op, List<Term> inputs) {
        if (op instanceof Op.Binary binary && isCommutative(binary.function())
            && inputs.get(0).index > inputs.get(1).index) {
            return List.of(inputs.get(1), inputs.get(0));
        }
        return inputs;
    }

    private static boolean isCommutative(BinaryOp op) {
        return switch (op) {
            case ADD, MUL, MIN, MAX, AND, OR, XOR, EQUAL, NOT_EQUAL -> true;
            case SUB, DIV, REMAINDER, POW, SHIFT_LEFT, SHIFT_RIGHT_LOGICAL, LESS_THAN, LESS_OR_EQUAL, GREATER_THAN,
                GREATER_OR_EQUAL -> false;
        };
    }

    private Term add(Op op, List<TensorType> types, List<Term> inputs, int scalar) {
        Term term = new Term(all.size(), op, types, inputs, scalar);
        all.add(term);
        return term;
    }

    static boolean isMovement(Op op) {
        return op instanceof Op.Reshape || op instanceof Op.Permute || op instanceof Op.Expand
            || op instanceof Op.Slice || op instanceof Op.Windows;
    }
}
