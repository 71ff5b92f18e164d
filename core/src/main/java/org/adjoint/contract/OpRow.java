package org.adjoint.contract;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.adjoint.graph.DType;

/** An operation's row in the table: what it stands for, its samples, its bounds. */
final class OpRow {
    /** How many arguments each operation is tested to refuse, beside tensors that none can use. */
    static final int OWN_REFUSALS = 3;
    /** How many kinds of tensor no operation can use: closed ones, those of another device or a finished trace. */
    static final int USELESS_TENSORS = 3;
    static final Set<DType> FLOATING = Collections.unmodifiableSet(
        EnumSet.of(DType.F64, DType.F32, DType.BF16, DType.F16));
    static final Set<DType> NUMBERS = Collections.unmodifiableSet(EnumSet.complementOf(EnumSet.of(DType.BOOL)));
    static final Set<DType> INTEGERS = Collections.unmodifiableSet(EnumSet.of(DType.U8, DType.I32, DType.I64));
    static final Set<DType> BITS = Collections.unmodifiableSet(
        EnumSet.of(DType.BOOL, DType.U8, DType.I32, DType.I64));
    static final Set<DType> ANY = Collections.unmodifiableSet(EnumSet.allOf(DType.class));

    private final String name;
    private final List<Object> covers;
    private final List<SampleCase> cases = new ArrayList<>();
    private final List<Refusal> refusals = new ArrayList<>();
    private Set<DType> dtypes = FLOATING;
    private Tolerance tolerance = Tolerance.exact("elements are moved, not computed");
    private boolean differentiable = true;
    private boolean zeroGradient;
    private boolean takesTensors = true;
    private boolean shapeDependsOnValues;
    private String whyFewRefusals = "";

    private OpRow(String name, List<Object> covers) {
        this.name = name;
        this.covers = covers;
    }

    /** @param covers constants of the graph's enumerations and classes of its operations that these samples exercise */
    static OpRow of(String name, Object... covers) {
        return new OpRow(name, List.of(covers));
    }

    /** The dtypes to test; floating ones unless told. */
    OpRow dtypes(Set<DType> dtypes) {
        this.dtypes = dtypes;
        return this;
    }

    OpRow tolerance(Tolerance tolerance) {
        this.tolerance = tolerance;
        return this;
    }

    OpRow notDifferentiable() {
        this.differentiable = false;
        return this;
    }

    /** Gradients are zero everywhere, and that is right. */
    OpRow zeroGradient() {
        this.zeroGradient = true;
        return this;
    }

    /** It makes tensors, of none or in samples that ask an operand for its shape alone. */
    OpRow takesNoTensors() {
        this.takesTensors = false;
        return this;
    }

    /** It reads its operands when it is called, which traced functions refuse. */
    OpRow shapeDependsOnValues() {
        this.shapeDependsOnValues = true;
        return this;
    }

    /** Why fewer than {@link #OWN_REFUSALS} arguments are there to be refused. */
    OpRow takesAlmostAll(String reason) {
        this.whyFewRefusals = reason;
        return this;
    }

    OpRow cases(SampleCase... added) {
        cases.addAll(List.of(added));
        return this;
    }

    OpRow cases(List<SampleCase> added) {
        cases.addAll(added);
        return this;
    }

    OpRow refuses(Refusal... added) {
        refusals.addAll(List.of(added));
        return this;
    }

    String name() {
        return name;
    }

    List<Object> covers() {
        return covers;
    }

    Set<DType> dtypes() {
        return dtypes;
    }

    Tolerance tolerance() {
        return tolerance;
    }

    boolean isDifferentiable() {
        return differentiable;
    }

    boolean allowsZeroGradient() {
        return zeroGradient;
    }

    boolean hasTensorsToTake() {
        return takesTensors;
    }

    boolean readsItsOperands() {
        return shapeDependsOnValues;
    }

    /** Empty where there are {@link #OWN_REFUSALS} refused arguments or more. */
    String whyFewRefusals() {
        return whyFewRefusals;
    }

    List<SampleCase> cases() {
        return cases;
    }

    List<Refusal> refusals() {
        return refusals;
    }
}
