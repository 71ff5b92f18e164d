package org.adjoint.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.adjoint.Device;
import org.adjoint.contract.ThreadsCheck;
import org.adjoint.cuda.emulator.Emulator;
import org.junit.jupiter.api.Test;

class CudaThreadsTest {
    @Test
    void eightThreadsOnOneCardGetRightResults() throws InterruptedException {
        Emulator.require().order(Emulator.Order.FORWARD);
        try (Device device = Device.open("cuda")) {
            ThreadsCheck check = ThreadsCheck.on(device).threads(8).operations(4_000).structures(8);
            assertEquals(List.of(), check.run());
            assertTrue(check.done() >= 4_000, check.done() + " operations");
        }
    }
}
