using OtlpTap.Feedback;

namespace OtlpTap.Tests.Feedback;

public sealed class RephrasingTests
{
    [Theory]
    [InlineData("What is the weather in Paris right now?", "No, I mean the current weather in Paris, France.")]
    [InlineData("No, I mean the current weather in Paris, France.", "That is still wrong. Paris weather now, please!!")]
    [InlineData("How do I reset my password?", "Password resetting - how?")]
    [InlineData("Where is my order 4711?", "I asked where order 4711 is")]
    [InlineData("Cancel my subscription", "please cancel the subscription of mine, I already said it")]
    [InlineData("Can you refund the invoice INV-2291?", "refund invoice INV-2291")]
    [InlineData("Book a table for two at Luigi's", "That's not what I asked. A table at Luigi's for two.")]
    [InlineData("Summarize the meeting notes", "give me a summary of the meeting notes, not the attendee list")]
    [InlineData("Welche Rückgabefristen gelten für Schuhe?", "Ich meinte die Rückgabefristen für Schuhe")]
    [InlineData("Quel est le solde de mon compte ?", "Non, ce n'est pas ça : le solde de mon compte")]
    [InlineData("¿Cuál es el estado de mi pedido?", "Eso no es. El estado de mi pedido.")]
    [InlineData("list the open pull requests", "wrong")]
    [InlineData("convert this file to csv", "it doesn't work")]
    [InlineData("which employees have unused vacation days?", "employees with vacation days unused, which are those")]
    public void Asking_again_is_a_reaction(string first, string second) => Assert.NotEqual(Reaction.None, Judge(first, second));

    [Theory]
    [InlineData("What is the weather in Paris?", "What is the weather in London?")]
    [InlineData("What is the weather in Paris?", "And tomorrow?")]
    [InlineData("What is the weather in Paris?", "What is the weather in Paris tomorrow?")]
    [InlineData("Where is my order 4711?", "Where is my order 4712?")]
    [InlineData("How do I reset my password?", "Thanks, that works. How do I change my e-mail?")]
    [InlineData("How do I reset my password?", "How do I enable two factor login?")]
    [InlineData("Show flights from Berlin to Rome", "Show flights from Rome to Berlin on Friday")]
    [InlineData("Find a hotel in Lyon under 100 euros", "Find a hotel in Lyon under 150 euros")]
    [InlineData("Write a poem about autumn", "Write another poem about autumn")]
    [InlineData("Which is the cheapest plan?", "Which is the best plan?")]
    [InlineData("Summarize chapter 3", "Summarize chapter 4")]
    [InlineData("Explain this function", "Explain the tests of it")]
    [InlineData("add a unit test", "now run it")]
    [InlineData("What does the contract say about termination?", "What does the contract say about liability?")]
    [InlineData("Is the shop open on Monday?", "Is the shop open on Sunday?")]
    [InlineData("How many users signed up last week?", "How many users signed up last month?")]
    [InlineData("status", "status")]
    [InlineData("Turn on the light", "thanks!")]
    [InlineData("Wie ist das Wetter in Köln?", "Und in Hamburg?")]
    [InlineData("Translate good morning to French", "Translate good morning to Spanish")]
    [InlineData("", "")]
    public void Going_on_is_none(string first, string second) => Assert.Equal(Reaction.None, Judge(first, second));

    [Fact]
    public void An_answer_to_the_agents_question_is_none()
    {
        Assert.Equal(Reaction.None, Judge("Book the red room", "Book the red room please", agentAsked: true));
        Assert.Equal(Reaction.None, Judge("Delete the draft", "No, only archive it", agentAsked: true));
        Assert.NotEqual(Reaction.None, Judge("Book the red room", "That is wrong, I said the red room", agentAsked: true));
    }

    [Fact]
    public void The_very_same_words_count_from_the_third_time_on()
    {
        Assert.Equal(Reaction.None, Judge("where is my parcel", "where is my parcel", repeats: 0));
        Assert.Equal(Reaction.Repeated, Judge("where is my parcel", "where is my parcel", repeats: 1));
    }

    [Fact]
    public void Pasted_documents_cost_no_more_than_a_page()
    {
        var pasted = string.Concat(Enumerable.Range(0, 200_000).Select(i => $"word{i} "));
        var said = Utterance.Of(pasted);
        Assert.InRange(said.ContentWords.Count, 1, 200);
        Assert.InRange(said.Bytes, 1, 64 << 10);
    }

    private static Reaction Judge(string first, string second, bool agentAsked = false, int repeats = 0) =>
        Rephrasing.Judge(Utterance.Of(first), Utterance.Of(second), agentAsked, repeats, new ImplicitFeedbackOptions().SimilarityThreshold);
}
