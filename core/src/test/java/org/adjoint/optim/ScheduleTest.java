package org.adjoint.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.Step;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.junit.jupiter.api.Test;

class ScheduleTest {
    private static void assertRates(Schedule schedule, double... rates) {
        double[] actual = new double[rates.length];
        for (int i = 0; i < rates.length; i++) {
            actual[i] = schedule.rate(i);
        }
        assertArrayEquals(rates, actual, 1e-12);
    }

    @Test
    void rates() {
        assertRates(Schedule.exponential(2, 0.5), 2, 1, 0.5, 0.25);
        assertRates(Schedule.steps(1, 0.1, 4, 2), 1, 1, 0.1, 0.1, 0.01, 0.01);
        assertRates(Schedule.polynomial(5, 1, 4, 2), 5, 1 + 4 * 0.5625, 2, 1.25, 1, 1);
        assertRates(Schedule.inverseSquareRoot(3, 4), 0.75, 1.5, 2.25, 3, 3 * Math.sqrt(0.8));
        assertRates(Schedule.constant(2).times(Schedule.exponential(1, 0.5)), 2, 1, 0.5);
        assertRates(Schedule.constant(2).then(2, Schedule.linear(1, 0, 2)), 2, 2, 1, 0.5, 0);
        assertRates(Schedule.constant(1).warmup(2).then(3, Schedule.constant(0.5)), 0.5, 1, 1, 0.5);
    }

    /** PyTorch: CosineAnnealingWarmRestarts(T_0=2, T_mult=2, eta_min=0) from 1. */
    @Test
    void warmRestarts() {
        double quarter = (1 + Math.sqrt(0.5)) / 2;
        assertRates(Schedule.warmRestarts(1, 0, 2, 2), 1, 0.5, 1, quarter, 0.5, 1 - quarter, 1);
        assertRates(Schedule.warmRestarts(1, 0, 2, 1), 1, 0.5, 1, 0.5, 1);
    }

    /** PyTorch: OneCycleLR(max_lr=1, total_steps=10): phases end at steps 2 and 9. */
    @Test
    void oneCycle() {
        Schedule schedule = Schedule.oneCycle(1, 10);
        assertEquals(0.04, schedule.rate(0), 1e-15);
        assertEquals((0.04 + 1) / 2, schedule.rate(1), 1e-15);
        assertEquals(1, schedule.rate(2), 1e-15);
        double end = 0.04 / 1e4;
        assertEquals(end + (1 - end) * (1 + Math.cos(Math.PI * 3 / 7)) / 2, schedule.rate(5), 1e-15);
        assertEquals(end, schedule.rate(9), 1e-15);
        assertEquals(end, schedule.rate(20), 1e-15);
        assertThrows(IllegalArgumentException.class, () -> Schedule.oneCycle(1, 3));
    }

    @Test
    void aPlateauLowersTheRate() {
        Plateau plateau = Plateau.of(1).factor(0.5).patience(1).cooldown(2).threshold(0.1).leastRate(0.2);
        double[] measures = {10, 9.5, 9.4, 9.3, 9.2, 9.1, 9, 8.9, Double.NaN, 8, 8, 8, 8, 8};
        double[] rates = new double[measures.length];
        for (int i = 0; i < measures.length; i++) {
            if (i == 7) {
                Map<String, String> state = plateau.state();
                plateau = Plateau.of(1).factor(0.5).patience(1).cooldown(2).threshold(0.1).leastRate(0.2);
                plateau.restore(state);
            }
            rates[i] = plateau.measured(measures[i]);
        }
        // 10 is best; 9.5 and 9.4 are not a tenth below; 9.3 and 9.2 do not count; 9.1 does not count as progress; so
        // 9.1 and 9 are two; 8.9 is progress, but within the cooldown; 8 is progress
        assertArrayEquals(new double[] {1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2}, rates);
        assertEquals("Plateau: the factor must be in (0, 1) but is 1.0",
            assertThrows(IllegalArgumentException.class, () -> Plateau.of(1).factor(1)).getMessage());
        assertEquals("Plateau: the state has no 'plateau.rate'",
            assertThrows(IllegalArgumentException.class, () -> Plateau.of(1).restore(Map.of())).getMessage());
    }

    /** PyTorch: ReduceLROnPlateau(mode="max", factor=0.5, patience=1, threshold=0.1). */
    @Test
    void aPlateauOfWhatIsToRise() {
        Plateau plateau = Plateau.of(1).factor(0.5).patience(1).threshold(0.1).rising();
        double[] rates = new double[6];
        double[] measures = {10, 10.9, 12, 12.1, Double.NaN, 13.3};
        for (int i = 0; i < rates.length; i++) {
            rates[i] = plateau.measured(measures[i]);
        }
        assertArrayEquals(new double[] {1, 1, 1, 1, 0.5, 0.5}, rates);
        assertEquals("Plateau: say which way is progress before the first measurement",
            assertThrows(IllegalStateException.class, () -> {
                Plateau late = Plateau.of(1);
                late.measured(2);
                late.rising();
            }).getMessage());
        assertEquals("Plateau: the least rate must not be negative but is -1.0",
            assertThrows(IllegalArgumentException.class, () -> Plateau.of(1).leastRate(-1)).getMessage());
    }

    @Test
    void averagesFollowTheWeights() {
        try (Device device = Device.open("reference")) {
            Variable w = device.variable("w", device.full(DType.BF16, 8, 2));
            MovingAverage average = MovingAverage.of(List.of(w), 0.75);
            Step step = Step.compile(device, x -> {
                w.assign(w.tensor().add(x));
                average.update();
                return w.tensor();
            });
            double expected = 8;
            for (int i = 1; i <= 6; i++) {
                step.run(device.full(DType.BF16, 1));
                expected = 0.75 * expected + 0.25 * (8 + i);
            }
            assertEquals(1, step.traces());
            assertEquals(expected, average.state().get("average.w").tensor().toDoubleArray()[1], 1e-6);
            try (MovingAverage.Use use = average.use()) {
                assertEquals(expected, w.tensor().toDoubleArray()[0], 0x1p-4);
                use.close();
                assertEquals(14, w.tensor().toDoubleArray()[0]);
            }
            assertEquals(14, w.tensor().toDoubleArray()[0]);
            assertEquals("MovingAverage: the decay must be in [0, 1) but is 1.0",
                assertThrows(IllegalArgumentException.class, () -> MovingAverage.of(List.of(w), 1)).getMessage());
        }
    }
}
