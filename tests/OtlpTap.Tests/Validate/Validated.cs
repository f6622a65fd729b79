using OtlpTap.Buffers;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;
using OtlpTap.Validate;

namespace OtlpTap.Tests.Validate;

/// <summary>What the validator makes of a request.</summary>
/// <param name="Bytes">What goes on.</param>
/// <param name="Told">The sender's <c>partial_success</c>; none where nothing was invalid.</param>
internal sealed record Validated(byte[] Bytes, PartialSuccess? Told, Findings? Findings)
{
    private static readonly PayloadPool Pool = new();

    public static Validated Of(Signal signal, byte[] request, OnInvalid policy)
    {
        var received = ItemsOf(signal, request) ?? throw new ArgumentException("The scan refuses the request.");
        if (new RequestValidator(policy).Check(signal, request) is not { } findings)
        {
            return new Validated(request, null, null);
        }

        var told = ProblemText.Describe(findings, request, received);
        var payload = Pool.Rent(request.Length);
        request.CopyTo(payload.Writable);
        Assert.True(RequestValidator.TryApply(findings, payload, Pool, out var valid));
        var bytes = valid.Span.ToArray();
        Assert.Equal(request, payload.Span);
        valid.Release();
        payload.Release();

        Assert.Equal(received - findings.Rejected, ItemsOf(signal, bytes));
        Assert.Equal(findings.Rejected, told.Rejected);
        Assert.NotEmpty(told.Message);
        return new Validated(bytes, told, findings);
    }

    /// <summary>How many items the scan finds; none where it refuses the bytes.</summary>
    public static int? ItemsOf(Signal signal, byte[] request)
    {
        var scan = new ScanResult();
        return new RequestScanner(CompiledRules.None).TryScan(signal, request, scan, out _) ? scan.ItemCount : null;
    }
}
