package org.adjoint.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Function;
import org.adjoint.Device;
import org.adjoint.Tensor;
import org.adjoint.contract.RandomProgram.Call;
import org.adjoint.contract.RandomProgram.Leaf;
import org.adjoint.graph.DType;
import org.adjoint.graph.Halves;
import org.adjoint.graph.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the check of programs must find, and what it must leave alone. */
class ProgramCheckTest {
    private final Device device = Device.open("reference");
    private final Device reference = Device.open("reference");
    private final ProgramCheck check = new ProgramCheck(device, reference);

    @AfterEach
    void close() {
        device.close();
        reference.close();
    }

    /** The slope of atan2(y, x) at y = 0 is 1 / x; any step that differences take jumps from one side to the other. */
    @Test
    void aSlopeThatNoStepSeesIsNotJudged() {
        assertNull(check.failure(atan2(2.347650053937731E-27, x -> x[0].atan2(x[1])), true, true));
    }

    /** Steps of 2^-9 and 2^-13 are too long here, too, but smaller ones are not. */
    @Test
    void aSlopeThatOnlySmallStepsSeeIsJudged() {
        assertNull(check.failure(atan2(1e-4, x -> x[0].atan2(x[1])), true, true));
        String message = check.failure(atan2(1e-4, x -> x[0].atan2(x[1]).mul(0.99)
            .add(x[0].atan2(x[1]).mul(0.01).stopGradient())), true, true);
        assertNotNull(message);
        assertTrue(message.contains("differences say"), message);
    }

    /** 2e-3 cubed is 0 in F16: the reference says so, too, in that dtype. */
    @Test
    void whatADtypeDoesNotHoldIsNotJudged() {
        Function<Tensor[], Tensor> isZero = x -> x[0].pow(3).logicalNot();
        assertNull(check.failure(of(DType.F16, 2e-3, DType.BOOL, isZero), true, false));
        Function<Tensor[], Tensor> product = x -> x[0].mul(60_000).mul(x[0]);
        assertNull(check.failure(of(DType.F16, 40_000, DType.F16, product), true, false));
        Function<Tensor[], Tensor> wrong = x -> x[0].device() == device ? x[0].sub(2).logicalNot() : isZero.apply(x);
        assertEquals("result 1 is 1.0 at 0, not 0.0: an error of 1.0 where 0.0 is allowed",
            check.failure(of(DType.F16, 2, DType.BOOL, wrong), true, false));
    }

    private static RandomProgram of(DType dtype, double number, DType result, Function<Tensor[], Tensor> function) {
        return new RandomProgram(List.of(new Leaf(dtype, Shape.of(1), new double[] {Halves.round(dtype, number)}),
            new Call(result, "", List.of(0), function, function)), List.of(1));
    }

    private static RandomProgram atan2(double x, Function<Tensor[], Tensor> function) {
        return new RandomProgram(List.of(new Leaf(DType.F64, Shape.of(1), new double[] {0}),
            new Leaf(DType.F64, Shape.of(1), new double[] {x}),
            new Call(DType.F64, "$0.atan2($1)", List.of(0, 1), function, function)), List.of(2));
    }

    /** All there is is 0, by cancellation of cotangents, and they are rounded. */
    @Test
    void roundingsOfCotangentsThatCancelAreAllowed() {
        assertNull(check.failure(minusItself(DType.BF16.epsilon() / 2), true, false));
        String message = check.failure(minusItself(4 * DType.BF16.epsilon()), true, false);
        assertEquals("gradient of 0 is 0.02734375 at 0, not 0.0: an error of 0.02734375 where 0.0078125 is allowed",
            message);
    }

    /** x - x, whose two cotangents the device rounds differently. */
    private RandomProgram minusItself(double error) {
        Function<Tensor[], Tensor> function = x -> x[0].device() == device
            ? x[0].sub(x[0].mul(1 - error).add(x[0].mul(error).stopGradient())) : x[0].sub(x[0]);
        return new RandomProgram(List.of(new Leaf(DType.BF16, Shape.of(1), new double[] {0}),
            new Call(DType.BF16, "$0.sub($0)", List.of(0), function, function)), List.of(1));
    }
}
