package org.adjoint.contract;

import static org.adjoint.contract.Domain.uniform;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.gradcheck.TensorFunction;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The suite finds what is wrong with a device: here one that is right but for operations that look where they run. */
class RowRunTest {
    private static final Operand VECTOR = Operand.of(uniform(1, 2), 13);

    private final Device device = Device.open("reference");
    private final Device reference = Device.open("reference");

    @AfterEach
    void close() {
        device.close();
        reference.close();
    }

    private OpResult run(DType dtype, OpRow row) {
        return new RowRun(row, dtype, device, reference, true).run();
    }

    /** {@code there} on the device under test, {@code here} on the reference. */
    private TensorFunction split(TensorFunction there, TensorFunction here) {
        return x -> x[0].device() == device ? there.apply(x) : here.apply(x);
    }

    private static Tensor same(Tensor... x) {
        return x[0].mul(1);
    }

    private void fails(String message, OpResult result) {
        assertFalse(result.passed());
        assertTrue(result.message().contains(message), result.message());
    }

    @Test
    void whatIsRightPasses() {
        OpResult result = run(DType.F32, OpRow.of("right").cases(SampleCase.of(RowRunTest::same, VECTOR)));
        assertEquals(new OpResult("right", DType.F32, 1, 3, 0, true, ""), result);
    }

    @Test
    void aWrongBitFailsWhereBitsCount() {
        TensorFunction slightly = split(x -> x[0].mul(1 + 0x1p-23), RowRunTest::same);
        OpRow row = OpRow.of("slightly").cases(SampleCase.of(slightly, VECTOR));
        fails("not exactly", run(DType.F32, row));
        fails("slightly f64 [(13)]: gives", run(DType.F64, row));
        assertTrue(run(DType.F32, row.tolerance(Tolerance.ulps(2, "two ulps"))).passed());
        fails("an error of", run(DType.F64, row));
        fails("an error of", run(DType.F32, row.tolerance(Tolerance.ulps(0.4, "less than there is"))));
    }

    @Test
    void aWrongGradientOnTheDeviceFails() {
        TensorFunction function = split(x -> x[0].add(x[0].stopGradient()), x -> x[0].mul(2));
        OpRow row = OpRow.of("gradient").cases(SampleCase.of(function, VECTOR));
        fails("gradient of argument 0", run(DType.F32, row));
        assertEquals(0.5, run(DType.BF16, row).worstRelativeError(), 0.01);
    }

    @Test
    void aWrongGradientRuleFailsInF64() {
        OpRow row = OpRow.of("rule").cases(SampleCase.of(x -> x[0].add(x[0].stopGradient()), VECTOR));
        assertTrue(run(DType.F32, row).passed());
        fails("rule [(13)]: gradient FAILED", run(DType.F64, row));
        assertTrue(run(DType.F64, OpRow.of("rule").cases(
            SampleCase.of(x -> x[0].add(x[0].stopGradient()), VECTOR).withoutDifferences())).passed());
    }

    @Test
    void wrongShapesNaNAndExceptionsFail() {
        fails("gives f32(12)", run(DType.F32, OpRow.of("shape")
            .cases(SampleCase.of(split(x -> x[0].slice(0, 0, 12), RowRunTest::same), VECTOR))));
        fails("gives NaN", run(DType.F32, OpRow.of("nan").tolerance(Tolerance.ulps(4, "any"))
            .cases(SampleCase.of(split(x -> x[0].sub(x[0]).div(0), RowRunTest::same), VECTOR))));
        fails("threw java.lang.IllegalArgumentException", run(DType.F32, OpRow.of("exception")
            .cases(SampleCase.of(split(x -> x[0].sum(9), RowRunTest::same), VECTOR))));
    }

    @Test
    void whatMustBeRefusedMustBeRefusedInTheseWords() {
        fails("is not refused", run(DType.F32, OpRow.of("open").refuses(Refusal.of("no", RowRunTest::same, VECTOR))));
        fails("is refused with", run(DType.F32, OpRow.of("words").refuses(Refusal.of("no", x -> x[0].sum(9), VECTOR))));
        OpRow index = OpRow.of("index").refuses(Refusal.whenComputed("sum: axis 9", x -> x[0].sum(9), VECTOR));
        fails("not with IndexOutOfBoundsException", run(DType.F32, index));
        assertTrue(run(DType.F32, OpRow.of("refused").refuses(Refusal.of("sum: axis 9", x -> x[0].sum(9), VECTOR)))
            .passed());
    }

    @Test
    void whatCanNotBeUsedMustBeRefusedByEveryOperation() {
        fails("is not refused, with \": one tensor is on \"", run(DType.F32, OpRow.of("makes")
            .cases(SampleCase.of(x -> x[0].device().zeros(DType.F32, 3), VECTOR).forwardOnly())));
    }

    /** The function must see the strides, not a copy. */
    @Test
    void layoutsAreViews() {
        double[] base = {1, 2, 3, 4, 5, 6};
        Tensor tensor = device.tensor(base, 3, 2);
        Operand operand = Operand.of(uniform(0, 1), 2, 3).laid(Operand.Layout.PERMUTED);
        assertEquals(operand.shape(), operand.view(tensor).shape());
        assertEquals(3, operand.view(tensor).toDoubleArray()[1]);
        operand = Operand.of(uniform(0, 1), 3, 2).laid(Operand.Layout.FLIPPED);
        assertEquals(6, operand.view(tensor).toDoubleArray()[0]);
        operand = Operand.of(uniform(0, 1), 1).laid(Operand.Layout.SLICED);
        assertEquals(2, operand.view(device.tensor(new double[] {1, 2, 3})).item());
    }
}
