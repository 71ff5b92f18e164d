package org.adjoint.reference;

import java.util.List;
import java.util.Map;
import org.adjoint.backend.Backend;
import org.adjoint.backend.DeviceDriver;
import org.adjoint.backend.DeviceReport;
import org.adjoint.backend.DeviceUnavailableException;

/** The device {@code "reference"}: never the default, and always there. */
public final class ReferenceBackend implements Backend {
    static final String SUMMARY = "reference: interprets in double, one element at a time; slow, for tests";

    @Override
    public String name() {
        return "reference";
    }

    @Override
    public int priority() {
        return -1;
    }

    @Override
    public List<DeviceReport> probe() {
        return List.of(new DeviceReport(name(), true, SUMMARY, List.of()));
    }

    @Override
    public DeviceDriver open(int ordinal, Map<String, String> options) {
        if (ordinal != 0) {
            throw new DeviceUnavailableException("there is one reference device, reference:0, and no reference:"
                + ordinal);
        }
        if (!options.isEmpty()) {
            throw new IllegalArgumentException("reference: takes no options, but got " + options.keySet());
        }
        return new ReferenceDriver();
    }
}
