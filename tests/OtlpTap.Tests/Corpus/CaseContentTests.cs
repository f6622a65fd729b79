using OtlpTap.Corpus;
using OtlpTap.Tests.Detectors;

namespace OtlpTap.Tests.Corpus;

/// <summary>What a case tells of a run, whatever is in it.</summary>
public sealed class CaseContentTests
{
    [Theory]
    [InlineData("{\"a\":\"\ud800\"}")]
    [InlineData("[\udc00")]
    [InlineData("\ud800")]
    public void Half_a_surrogate_pair_is_written_as_text(string text)
    {
        var (run, _) = CaseContent.Of(new RunBuilder().User(text).Offers((text, text)).Calls(text, text).Executes(text).Answers(text).Build());

        Assert.Contains("\ufffd", run.GetProperty("answer").GetString(), StringComparison.Ordinal);
    }
}
