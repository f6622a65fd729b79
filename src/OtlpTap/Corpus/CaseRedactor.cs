using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Redact;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus;

/// <summary>What may stand in a case, of what was seen. Not thread-safe.</summary>
internal sealed class CaseRedactor(RedactOptions options, CaseDirectory directory, CorpusMetrics metrics)
{
    // Made with the first case: the key of the hashes may have to be made beside it.
    private Redactor? _redactor;

    public string Text(string text) => Redactor().Redact(text);

    public Verdict Verdict(in Verdict verdict)
    {
        var redactor = Redactor();
        return verdict with
        {
            Label = verdict.Label is null ? null : redactor.Redact(verdict.Label),
            Explanation = verdict.Explanation is null ? null : redactor.Redact(verdict.Explanation),
            Evidence = [.. verdict.Evidence.Select(redactor.Redact)],
        };
    }

    public byte[] Request(Signal signal, byte[] request)
    {
        var redactor = Redactor();
        redactor.ResetCounts();
        var redacted = new RequestRedactor(redactor).Redact(signal, request);
        for (var kind = 0; kind < redactor.Counts.Length; kind++)
        {
            if (redactor.Counts[kind] > 0)
            {
                metrics.Redacted(kind, redactor.Counts[kind]);
            }
        }

        return redacted;
    }

    private Redactor Redactor()
    {
        if (_redactor is null)
        {
            directory.Create(directory.Root);
            _redactor = new Redactor(options, RedactionKey.For(options, directory.Root));
        }

        return _redactor;
    }
}
