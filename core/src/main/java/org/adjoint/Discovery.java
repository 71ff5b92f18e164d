package org.adjoint;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.adjoint.backend.Backend;
import org.adjoint.backend.DeviceReport;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.backend.OutOfDeviceMemoryException;

/** Finds the devices of all backends that are on the class path or module path. */
final class Discovery {
    private static final System.Logger LOG = System.getLogger(Device.class.getName());

    private Discovery() { }

    /** See {@link Device#open()}. */
    static Device openBest() {
        List<String> reasons = new ArrayList<>();
        for (Backend backend : backends()) {
            if (backend.priority() < 0) {
                continue;
            }
            List<DeviceReport> reports = backend.probe();
            for (int ordinal = 0; ordinal < reports.size(); ordinal++) {
                DeviceReport report = reports.get(ordinal);
                String problem = report.summary();
                if (report.usable()) {
                    try {
                        Device device = new Device(report.name(), backend.open(ordinal, Map.of()));
                        if (!reasons.isEmpty()) {
                            LOG.log(System.Logger.Level.INFO,
                                "using " + report.name() + "; " + String.join("; ", reasons));
                        }
                        return device;
                    } catch (DeviceUnavailableException | OutOfDeviceMemoryException e) {
                        problem = e.getMessage().lines().findFirst().orElse("");
                    }
                }
                reasons.add(report.name() + " can't be used: " + problem);
            }
        }
        throw new DeviceUnavailableException(reasons.isEmpty()
            ? "no backend is on the class path or module path: add adjoint-cpu or adjoint-cuda"
            : "no device is usable: " + String.join("; ", reasons));
    }

    /** See {@link Device#open(String, Map)}. */
    static Device open(String name, Map<String, String> options) {
        int colon = name.indexOf(':');
        String kind = colon < 0 ? name : name.substring(0, colon);
        int ordinal = colon < 0 ? 0 : ordinal(name, name.substring(colon + 1));
        List<Backend> backends = backends();
        for (Backend backend : backends) {
            if (backend.name().equals(kind)) {
                return new Device(colon < 0 ? kind : kind + ":" + ordinal, backend.open(ordinal, options));
            }
        }
        throw new DeviceUnavailableException("device '" + name + "': there is no backend '" + kind + "' among "
            + backends.stream().map(Backend::name).toList() + "; add adjoint-" + kind
            + " to the class path or module path if it is missing there");
    }

    private static int ordinal(String name, String digits) {
        try {
            int ordinal = Integer.parseInt(digits);
            if (ordinal >= 0) {
                return ordinal;
            }
        } catch (NumberFormatException e) {
            // Said below, as of a negative number.
        }
        throw new IllegalArgumentException("device '" + name + "': what follows the colon must be a number from 0 on");
    }

    /** See {@link Device#list()}. */
    static List<DeviceReport> list() {
        return backends().stream().flatMap(backend -> backend.probe().stream()).toList();
    }

    private static List<Backend> backends() {
        return ServiceLoader.load(Backend.class, Device.class.getClassLoader()).stream()
            .map(ServiceLoader.Provider::get).sorted(Comparator.comparingInt(Backend::priority).reversed()).toList();
    }
}
