package org.adjoint.parity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.stream.Stream;
import org.adjoint.Device;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Operations and their gradients on the CPU against PyTorch: random shapes, layouts and attributes from fixed seeds.
 */
class ParityTest {
    private static final int CASES = Integer.getInteger("adjoint.parity.cases", 8);
    private static Device device;
    private static int cases;

    static List<Row> rows() {
        return Stream.of(ElementwiseRows.rows(), ReductionRows.rows(), MovementRows.rows(), IndexingRows.rows(),
            ProductRows.rows(), ConvolutionRows.rows(), NeuralRows.rows(), LossRows.rows())
            .flatMap(List::stream).toList();
    }

    @BeforeAll
    static void open() {
        torch.set_num_threads(1);
        device = Device.open("cpu");
    }

    @AfterAll
    static void close() {
        device.close();
        System.out.printf("parity with PyTorch: %d operations, %d cases, each in f64 and f32, forward and gradients%n",
            rows().size(), cases);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("rows")
    void agrees(Row row) {
        RowRun run = new RowRun(row, device);
        for (int i = 0; i < CASES; i++) {
            run.run(i);
        }
        cases += run.cases();
        assertEquals("", String.join(System.lineSeparator(), run.failures()));
    }

    @Test
    void thereAreEnoughOperations() {
        assertEquals(rows().size(), new HashSet<>(rows().stream().map(Row::name).toList()).size(), "names are unique");
        assertTrue(rows().size() >= 120, "there are " + rows().size());
    }
}
