"""English."""

PHRASES = {
    "discount": """
        #%off | # % off | # percent off | %off | % discount | # discount | discount* | coupon* | promo code* | promo |
        voucher code | discount code | save # % | save up to | save # | save $ | save € | save £ | % less | deal |
        deals | special offer* | offer ends | our offer | exclusive offer* | sale | sales event | clearance | half
        price | half off | # for # | two for one | buy one get | bogo | pay two | pay one | free shipping | free
        delivery | gift card | gift inside | price drop | best price* | low* price* | reduced | early bird* | normal
        price | was # now | instead of | black friday | cyber monday | special price | money off | bonus | ad credit |
        in credit | cashback | rewards | bargain* | save big | big savings | your savings | savings available |
        personal discount | loyalty points | we take # | offer* | freebie* | steal | off everything | off your next |
        off the first | off your first | first month free | first box | months free | month free | on the house | # %
        | special | specials | reduced price | prices dropped | price of one | for half the price | at half price |
        cheaper | cheapest | # cheaper | costs less | for less | pay less | you pay only | only pay | pay only | from
        only | for only | just # | only # | now # | starting at | starts at | from # a month | a month for | first
        year free | first month | first months | first class is free | joining fee | annual fee | no fee | waive* | on
        us | two months free | no annual fee | the full price | worth # | free month | free sample | free kit |
        welcome bonus | savings | saved # | up to # off | credit you | we credit | for free | for half | pay half |
        costs 1 | first month costs | costs nothing | no deposit | under # | from # € | winter prices | summer price |
        saves up to | you pay # | three for # | per couple | train for free | loads in | double points | twice as many
        | entry # | # instead | three months as well | for # a month | new customers
    """,
    "urgency": """
        today only | tonight | ends tonight | ends today | ends soon | ends sunday | ends friday | ends monday | ends
        in | before midnight | until midnight | at midnight | limited time | last chance | final hours | final days |
        hurry | don't miss | do not miss | don’t miss | while stocks last | while supplies last | only today | this
        week only | this weekend | weekend only | only until | until sunday | until friday | until monday | until
        saturday | before friday | before sunday | by sunday | places are limited | seats are limited | limited seats
        | limited places | spots left | places left | seats left | going fast | act now | expires tonight | expires
        soon | ending soon | before it's gone | before they're gone | only # left | # hours left | # days left | this
        month only | only this week | only this month | before it ends | closes soon | limited edition | few left |
        selling out | almost gone | if you order today | if you sign | if you book | if you join | if you act | sign
        before | order before | book before | order by | almost sold out | sign this week | before the
        # | price goes up | prices go up | go up on | limited to the first | first # customers | first # guests |
        first fifty | only in | start today | today and | by friday and | before it is | until then all | last places
        | only a few | never again | runs out | running out fast
    """,
    "buy": """
        buy now | shop now | order now | order today | order yours | buy today | buy yours | shop the | shop all |
        shop online | start shopping | claim | claim your | redeem | get yours | get it now | get it here | grab yours
        | grab it | grab your | treat yourself | add to cart | checkout now | complete the purchase | complete your
        purchase | complete your order | take it | use code | use the code | use coupon | use this code | use it |
        enter code | with code | apply code | subscribe now | subscribe to | sign up now | sign up today | join now |
        join today | join for free | start your free | start free | try it free | try it now | try for free | try it |
        give it a try | try free | get started | start now | start today | activate now | activate your | upgrade now
        | book now | book today | book your | reserve now | reserve your | secure your | save my seat | save your seat
        | save your spot | view offer | see offer* | see the offer | see prices | see plans | choose your plan | view
        plans | pick yours | choose posters | explore the | discover | learn more | find out more | order here | buy
        here | shop here | see the collection | view now | lock in | take advantage | fix now | enrol now | enroll now
        | register now | download now | get the guide | get the app | browse the | see what's new | take a look |
        check it out | check out | have a look | get your free | unlock your | yes please | apply now | apply for |
        call us today | call us for | call now | call today | call # | reply yes | say yes | just say yes | answer
        with one word | get your price | check availability | check in two | check what | find out how | find out what
        | see how | see if | start saving | switch now | switch today | switch in | change now | add now | enrol today
        | enroll today | sign up | join him | join her | join them | join free | order any | order in the | browse our
        | visit our | shop women | shop men | shop | shop again | spend it | try one | try our | try it for | test it
        | download it | see the plans | see all | book here | book by | book online | pick your | choose yours | come
        by | come and see | come and | drop by | get tickets | pay now | activate | claim it | use mine | start a
        campaign | confirm your order now | confirm the reservation | get the update | choose from | choose a colour |
        leaf through | have it sent | have it delivered | show this mail | swipe your | enrol by | test drive | lease
        the | curl up | watch from | reply ok | start for free | activate your gift | add travel | sign up online |
        signing up here | open your own | release your | now available to
    """,
    "prospect": """
        not yet ordered | not ordered | not yet paid | not purchased | not covered | not yet activated | pre approved
        | pre selected | preapproved | you qualify | you are eligible | you're eligible | eligible for | has been
        selected | you have been selected | you've been selected | reserved for you | set aside for you | waiting for
        you | held for you | on hold for you | awaiting your order | unclaimed | if you order | if you buy | when you
        order | when you buy | when you spend | when you upgrade | total if you | you left | left in your cart | left
        behind | still in your cart | your cart | your basket | complete your | still interested | recommended for you
        | you may also like | you might like | picked for you | chosen for you | just for you | only for you | invited
        to apply | could be yours | can be yours | could save | you could be | would save | could earn | missing out |
        issues found | not protected | interested in | would you like | before you go | you won | winner | lucky |
        prize* | congratulations | could have | would have kept | you could have | may have expired | could be lower |
        could have had | normally | would cost | costs # | usually | recommended plan | recommendation | not with us
        yet | not yet tried | you have not ordered | haven't ordered | you missed | savings missed | pay too much |
        paying too much | you qualify for | qualify for | entitled to a free | entitled to | people in your | homes in
        your | in your street | your current provider | put you down | put fifteen | taken the liberty | although you
        are | this is an offer | an offer | unless you accept | for readers of | who switched | switched saved | we
        found # | found # errors | cost you | recommended
    """,
    "launch": """
        introducing | introduce you | new arrivals | just launched | just landed | just arrived | new collection | new
        range | now available | available now | is here | are here | has arrived | have arrived | brand new | our new
        | our newest | our latest | our most | meet the | say hello | launch day | launching | we've launched | we
        launched | launches | launch | coming soon | first look | sneak peek | early access | be the first | pre order
        | preorder | new in | new season | season's | collection | now open | opens | grand opening | exclusive* |
        members only | vip | unveil* | announcing | announce | announcement | reinvented | redesigned | proud to |
        excited to | thrilled to | new feature* | what's new | whats new | new look | biggest update | is back | are
        back | something new | the wait is over | new shop | second shop | we are opening | we're opening | new way to
        | now in stores | in stores | version # is here | new design | brand-new | new menu | new models | now with |
        say hello to | is out | catalogue is out | new on | here it is | we listened | together with faster | our
        first
    """,
    "pitch": """
        we help | helps companies | helps teams | help companies | help teams | help businesses | help firms | help
        shops | i help | our platform | our product | our solution* | our software | our tool | our service | our
        services | our customers | our clients | our advisers | our advisors | our specialists | our experts | clients
        like | customers like | companies like | teams like | businesses like | firms like | people like you | like
        yours | for your company | for your business | for your team | for your fleet | for your shop | for your store
        | your industry | in your space | your competitors | i came across | came across your | i saw that you | i saw
        your | i noticed | noticed that you | noticed you | we noticed | i read that | read your | i see you |
        congrats on | impressed by | loved your | reaching out | reach out because | touching base | quick question |
        quick intro | introduce myself | introduce our | my name is | i work with | i work at | i'm with | we work
        with | we work together | worked with | we specialise | we specialize | we offer | we provide | we supply | we
        build | we make | we run | we sell | leading provider | trusted by | case study | success story | double your
        | doubled | double the | triple* | cut costs | cut your | reduce your | reduces | lower your | boost* | grow
        your | increase your | increased | improve your | more customers | more leads | leads | lead generation |
        pipeline | roi | revenue growth | conversion* | save you | saves you | save your | saves hours | hours a week
        | hours per week | without lifting | less work | less time | takes care of | pays for itself | return on | no
        obligation | no commitment | no strings | risk free | cancel anytime | cancel any time | money back | no
        credit card | no upfront | only pay when | you only pay | free audit | free consultation | free analysis |
        free assessment | free sample* | free quote | free check | free review | free of charge | for free | at no
        cost | i can run | we can run | let me show | outsourc* | automate* | automates | streamline* | optimi* your |
        scale* | growth | competitive | cost effective | affordable | high quality | white label | partnership |
        collaborat* | opportunity | proposal for you | guest post | backlink* | seo | rank* on google | first page |
        traffic | web design | mobile app* | investment | invest | returns | interest rate | yields | financing |
        loan* | same problem | most teams | most companies | most businesses | many companies | what if you | imagine
        | tired of | struggling | sick of | are you still | did you know | how much time | ever wondered | pain |
        might be useful | might interest | may interest | could be useful | thought you | thought of you | thought
        this | relevant for you | good fit | right person | point me to | who handles | in charge of | happy to send |
        send you a | glad to send | share more | more information | brochure | catalogue | price list | samples | demo
        | trial account | pilot | walkthrough | we clean | we rent | we grow | we install | we buy | we fix | we set |
        we bring | we take care | we plan | we train | we ship | i write | i represent | i sell | i tested | i read
        your | i enjoyed your | i can bring | i can come | i could come | i could drop | i can drop | i have two | i
        can have | can be set up | set up in | up and running | running by | within a week | in two days | in a week |
        for a fixed price | fixed price | fixed monthly | price on | large one | supply | supplies to | deliver to
        your door | to your door | in your area | in your region | in your city | near you | next to you | your roof |
        your team would | your team could | your employees | your guests | your clients | your readers | your shop |
        your store | your restaurant | your practice | your clinic | your company | your business | your brand | your
        website | your site | your blog | your checkout | your menu | your budget | margin | commission | shops that |
        brands like | companies that | businesses that | bakeries of | practices lose | visitors leave | per cent less
        | % less | % more | half the | by half | in half | twice as | three times | ten times | hours a month | saves
        money | save money | save time | saves time | more time | cost of | costs of | third largest | without any
        payment | no payment | pays off | advisers | our team will | our lawyers | our native | native speakers |
        agency | years of experience | references | on request | without obligation | does not oblige | oblige |
        obligation | no hard feelings | of interest | would be of interest | make you an offer | make an offer | send
        you dates | send you a proposal | send you our | send you their | send them | planning a | looking for | do
        you need | if you need | need storage | finding | is hard | are hard | perhaps you | probably | your fleet |
        your planners | save on | the savings | from the savings | repay from | built for | costs nothing | the first
        week | the first pallet | day rate | my day rate | fixed fee | flat fee | already use it | already use | use
        it too | other landlords | your neighbours | your neighbors | your competitor | i give talks | i give | i have
        done so | i manage | was on your site | your reviews | your guests read | spends around | a year on | on light
        | firms thousands | late payers | a factory of | iso certified | good price | fast delivery | please tell us
        your | we quote | nobody likes | looks like for | what it would look like | invest* in | franchise | capital |
        without paperwork | all the paperwork | do all the
    """,
    "ask": """
        # minutes | # minute | fifteen minutes | ten minutes | twenty minutes | thirty minutes | half an hour | quick
        call | short call | a call | brief call | quick chat | a chat | intro call | book a | book time | schedule a
        call | schedule a demo | schedule a | a demo | see a demo | live demo | show you how | show you what | show
        you | walk you through | open to | are you open | worth a | would it make | does it make sense | make sense to
        | are you available | are you free | do you have time | have # minutes | when works | what time works | pick a
        time | pick another time | grab a slot | choose a slot | my calendar | calendly | can i call | may i call |
        call you | shall i | shall we | should i | can i send | may i send | want me to | let me know if you'd | just
        reply | reply yes | reply with | interested | hear from you | next week | tomorrow | meet up | coffee | stop
        by | our booth | our stand | visit us | happy to | would love | i'd love | we'd love | talk soon | shall we
        begin | begin | let's talk | let's chat | speak with | how about | would you have | could we meet | can we
        meet | when can we | when are you in | open to a chat | open to that | up for a | up for it | hop on | jump on
        | give me a call | you have my number | i will call | we call you | advisers call | call you back | meet to |
        fix a date | which day | any day | would wednesday | would thursday | would tuesday | is wednesday | is
        tuesday | is thursday | show it to you | explain how | explains how | tell you more | walk through |
        demonstrat* | where should it | who should i | talk to you | look forward to working | let me know when we |
        let me know if this | worth ten | ten minutes next | # minutes next | talk on thursday | shall we talk | have
        a word | on a call | point me | let me know a time | when suits you | suits you | what time suits | convenient
        time | quarter of an hour | over the phone | arrange a pilot | may i bring | when may i | i will call you |
        i'll call you | could i show | can i show | set you up | may i count | book me | my calendar for | if you want
        a date | call back | price within the hour | photograph your | shall i send it | keep a place
    """,
    "chase": """
        following up | follow up | follow-up | bumping | bump this | bump | circling back | circle back | checking in
        | check in with you | just checking | my last email | my last mail | my last message | my previous | my
        earlier | my email | last week's email | i wrote to you | i wrote last | i emailed | did you get a chance |
        had a chance | get a chance | did you see | did you read | any thoughts | any interest | got buried | may have
        missed | might have missed | slipped | have not heard | haven't heard | not heard back | haven't been able |
        no reply from you | last try | last attempt | last time i | one last | final email | close your file | closing
        the loop | close the loop | break up | not the right time | bad timing | top of your inbox | tried to reach |
        tried calling | missed you | gentle nudge | nudge | still keen | still open | as promised | our conversation |
        our chat | great meeting you | good meeting you | nice meeting you | great talking | good talking | spoke last
        | re-sending | resending | re-floating | thoughts on the below | me again | third time | one more thought |
        one more time | last message | my last | i wrote to | i sent you an idea | sent you an idea | i know you are
        busy | i know you're busy | i promise | maybe it got lost | perhaps it got lost | got lost | if not now | no
        priority | for you now | not a priority | assume that | wrong person | in charge | thanks for stopping |
        visiting us at | talk at our | as i said | i spoke to your | talked about | still have two | since then | i
        can still hold | hold the | my proposal | our proposal | my note | my mail | where we left off | pick up where
        | leave you alone | in touch last | anything i can clear | clear up | to hear your thoughts | hear what you |
        your feedback on | still a priority | becomes a priority | last note | my last note | final note | one more
        message | once more | another message | bother you | still on your | still on your list | timing is better |
        gently | have you decided | come to a decision | have you had | been able to | did the sample | still need a |
        quick one | yes or no | you said | no reply yet | buried | in your inbox | curious to hear | following up once
        | touching base | happy to adapt | next steps | your thoughts on | reminder about
    """,
    "newsletter": """
        newsletter | newsletters | this week's issue | this month's issue | in this issue | issue # | issue no |
        edition | this edition | digest | roundup | round up | round-up | top stories | top picks | the week in | this
        week in | weekly | monthly | this week | this month | read more | read on | continue reading | read the full |
        read the article | read the story | full story | full article | keep reading | article | articles | editorial
        | editor's | column | our blog | blog post | new post | latest posts | on the blog | podcast | episode |
        interview with | tips | tips for | # tips | # ways | # things | # reasons | how to | guide to | recipes |
        recipe | inspiration | trends | news | latest news | stories | reading list | links of | must read* |
        subscribers | dear readers | dear reader | forwarded this | share this | follow us | welcome to the | this
        section | regular sections | notable | release* | release candidate* | also included | summari* | letter, no |
        the letter | in this letter | editors | our editors | analysts | briefing | founder | our founder | the best
        of | we read | what we read | what we learned | long read | reading | in the garden | from the farm | notes
        from | news from | stories from | our story | our recipe | the friday | the monday | the sunday | no. # | no #
        | vol # | week in review | top # | guide | forward to a friend | forward this | jobs and events | our spring
        issue | our summer issue | for this issue | our writers | puzzle of the | question of the week | links to the
        full | part # | in brief | club news | in this part
    """,
    "event": """
        webinar* | conference | summit | workshop* | masterclass | meetup | meet-up | trade fair | trade show | expo |
        exhibition | open house | open day | open evening | live session | online session | free session | live event
        | live on | live stream | join us | join our | see you there | invite you | you're invited | you are invited |
        your invitation | invitation to | rsvp | register* | registration | speakers | keynote | tickets on sale | get
        tickets | tickets | early bird | places | agenda | line-up | lineup | festival | concert | tasting | party |
        celebrate | celebration | doors open | save the date | our studio | our store | our shop | our showroom | open
        studio | come along | tea and cake | there is cake | cake and | food trucks | live music | summer fair | fair
        | evening of | wine tasting | cordially | forty bands | bands | talks | talks and | free entry | see the line
        up | look forward to seeing you | would be happy to see you | be our guest | showroom | seat is free | your
        seat | open dance | dance night | info evening | in hall # | hall # | stand c# | stand # | partner needed |
        meet us in | find us in
    """,
    "survey": """
        survey | surveys | questionnaire | poll | your opinion | your feedback | your thoughts | feedback matters |
        opinion matters | how likely | how are we doing | how did we do | how was | how would you rate | rate your |
        rate us | rate our | rating | recommend us | recommend to a friend | leave a review | write a review | review
        your | tell us what | tell us how | tell us about | let us know how | let us know what | share your | take a
        moment | two minutes | a few questions | # questions | three questions | five questions | short questions |
        help us improve | help us to improve | answer # | scale of | happy are you | were you satisfied | satisfied |
        would like to hear from you | hear what you think | what do you think | click a number | how happy | #
        questions about | anonymous | love your feedback | give feedback | share feedback | give us feedback | would
        you tell other | tell other riders | your view counts | what you want to learn | would like to know what
    """,
    "referral": """
        refer | refer a | referral | referrals | invite your friends | invite a friend | invite friends | tell a
        friend | tell your friends | bring a friend | share with a friend | share your link | your friend | friend
        thinks | friends | invited you | has invited you | i've invited | wants you to | recommends | you both |
        you'll both | each of you | for every friend | give # | earn # | earn | spread the word | follow me |
        ambassador* | affiliate* | commission | share the love | their first order | both of you | you get # | they
        get # | your friends | bring your friends | for you and a friend | bring somebody along | bring somebody |
        gave you a month | your friend _ thinks | gives you # days
    """,
    "winback": """
        miss you | missed you | we've missed | come back | welcome back | welcome you back | been a while | been too
        long | it's been | long time | haven't seen you | have not seen you | haven't been around | where have you
        been | still there | still with us | give us another | another try | another chance | another visit | give it
        another | since you left | since your last visit | since your last | not been the same | haven't been the same
        | haven't logged | haven't used | return to | we want you back | let's reconnect | reconnect | sorry to see
        you go | goodbye | don't go | reactivate | what you missed | since january | last visit | last order | we have
        changed | you cancelled | haven't opened | have not opened | before we stop | stay on the list | misses you |
        come take a look | not been to | you left us | want to return | ever want to return | still here and |
        remember us | half a year | a lot has happened | your old table | the door is open
    """,
    "upsell": """
        upgrade | upgrade to | upgrading | go pro | go premium | premium | pro plan | plus plan | business plan |
        large plan | yearly plan | annual plan | annual billing | switch to | move to | unlock | unlimited | more
        storage | ten times | get more | do more | more with | make the most | get the most | add-on* | addon* | add
        more | extra features | more features | outgrown | outgrowing | running out | reached your limit | close to
        the limit* | free plan | no more restrictions | protection plan | extended warranty | extend your | insurance
        | complete your set | pairs well | goes well with | accessories | bundle* | deluxe | enjoying | you're
        enjoying | hope you | love our | power users | get more out of | growth plan | with plus | with premium | goes
        yearly | yearly | ten times the | protection | protects | protect your | covers | cover up to | second driver
        | you own the | other customers | customers also | other cooks | upgrade today | upgrade now | most popular
        plan | recommended for your | your team has grown | room for more | try it for a month | warranty ends soon |
        guarantee of | cover repairs | make your holiday
    """,
    "hype": """
        amazing | awesome | incredible | unbeatable | fantastic | stunning | insane | hottest | hot | must have* |
        must-have* | favourite* | favorite* | bestseller* | best seller* | bestselling | best-selling | irresistible |
        perfect | gorgeous | beautiful | delicious | handmade | handpicked | hand-picked | curated | unforgettable |
        ultimate | game changer | revolutionary | world class | award winning | award-winning | finest | luxury |
        dream | love | adventure | enjoy | free | gift* | surprise | wow | best | loved by | you deserve | for
        everyone | easier than ever | better than ever | never been easier | in style | cosy | cozy | style | delight*
        | good news for you | strong | lighter | faster | warmer | fresher | fresh | made from | crisp | organic | by
        hand | packed by hand | small batches | picked | our stylists | beaches | flavours | taste | tasty | refresh*
        | softer | comfort* | elegant | classic | timeless | happiness | happy holidays | holidays are coming | around
        the corner | start the year | new year
    """,
    "bulk": """
        unsubscribe | opt out | opt-out | manage preferences | email preferences | update your preferences | manage
        your subscription | no longer wish | no longer want | stop receiving | view in browser | view online | view
        this email | web version | in your browser | you are receiving this | you're receiving this | you received
        this because | this is an advertisement | advertisement | sponsored | all rights reserved | forward to a
        friend | you are on this list | our mailing list
    """,
    "crowd": """
        hi there | hey there | dear customers | dear friends | dear all customers | dear members | dear friend | dear
        valued | dear business | dear owner | dear sir or madam | dear sir | dear madam | dear fellow | dear lovers |
        dear homeowner | dear subscriber* | dear subscribers | hello friends | hi friends | hey | dear food* | dear
        guests | dear parents of | dear neighbour* | dear neighbor*
    """,
    "order": """
        your order | order confirmation | order confirmed | order number | order no | order # | order id | order
        details | order summary | thank you for your order | thanks for your order | thank you for your purchase |
        thanks for your purchase | thank you for shopping | thanks for shopping | we received your order | we have
        received your order | your purchase | your recent purchase | you ordered | you bought | your booking | booking
        confirmed | booking confirmation | booking reference | your reservation | reservation confirmed | reservation
        number | confirmation number | confirmation code | your ticket* | e-ticket* | itinerary | check-in | check in
        | check out | departure | boarding | seat # | gate | your subscription | your membership | your licence | your
        license | licence key | license key | your download | quantity | qty | item | items | unit price | order has
        been | has been cancelled | has been canceled | order was | out of stock | back order* | backorder* |
        substitut* | your rental | pickup | pick up | ready for collection | ready to collect | collected |
        prescription | order shipped | shopping with us | shopping at | your items | you pre-ordered | pre-ordered |
        pre-order | your tickets | doors open at | show the | bring your id | reservation request | your listing |
        cancelled by the | your bid | lot # | pick it up | your stay at | you booked | waiting list | has become free
        | boarding pass | pick-up | booking # | you subscribed to | photo book | rebook* | is being printed | your
        first order
    """,
    "paid": """
        receipt | receipts | invoice | invoices | invoice number | invoice no | subtotal | sub total | total paid |
        amount paid | amount due | amount charged | total due | balance due | paid | payment received | payment of |
        received your payment | we received | payment method | paid with | paid by | card ending | ending in | visa |
        mastercard | charged | was charged | has been charged | will be charged | your card | credit card | direct
        debit | bank transfer | iban | vat | tax | net | gross | refund | refunded | refunds | credited | credit note
        | overdue | past due | due on | due date | is due | payment failed | payment declined | declined | could not
        process | unable to process | billing | billing address | billing statement | statement | account statement |
        payslip | pay slip | payroll | salary | deposit | transfer* | payout | remittance | accounts receivable |
        accounts payable | total | no payment is due | outstanding | reimburse* | expense* | purchase order |
        instalments | instalment* | was paid out | paid out | no interest | prepaid | receipt number
    """,
    "shipping": """
        shipped | has shipped | has been shipped | shipment | on its way | on the way | out for delivery | delivered |
        was delivered | has been delivered | will be delivered | delivery date | delivery window | delivery address |
        expected delivery | estimated delivery | arrives | arriving | will arrive | tracking | tracking number | track
        your | track shipping | track order | track package | parcel | package | courier | carrier | shipping address
        | shipping confirmation | dispatched | despatched | customs | left in | signed for | delivery attempt |
        attempted delivery | depot | collection point | delayed | delivery | our warehouse | the warehouse | left our
        | in stock again | not in stock | backorder | returned item | return label | returns are free | loaded |
        pallets | will reach you | was sent | we shipped | our driver | the driver | nobody opened | was at your door
        | try again tomorrow | between # and # | the lift | two men
    """,
    "security": """
        password | passwords | passcode | reset your password | reset password | password reset | new password |
        verification code | security code | one-time | one time | otp | login code | sign-in code | log in code | your
        code | code is | two-factor | two factor | 2fa | authenticat* | verify | verify your | verification | confirm
        your email | confirm your address | confirm your | confirm that | activate your account | activation link |
        new sign-in | new sign in | new login | new device | signed in | sign in | log in | login | logged in | locked
        | unlocked | unlock your account | suspicious | unusual | unauthorised | unauthorized | security alert |
        security notice | access request | access to | if this was you | if this wasn't you | if it wasn't you | was
        not you | wasn't you | did not request | didn't request | did not make | didn't make | did not ask | you
        requested | recently requested | received a request | requested a | safely ignore | ignore this | expires in |
        expires | link expires | valid for | is valid | do not share | don't share | never ask | ip address | api key*
        | token | tokens | revoked | permission* | recovery | certificate* | passkey | ssh | breach | vulnerabilit*
    """,
    "account": """
        your account | account settings | your settings | your profile | email address | your address | has been
        changed | was changed | were changed | has been updated | have been updated | was updated | were updated | has
        been closed | has been created | has been deleted | will be deleted | has been added | has been removed | was
        added | was removed | your request | username | your trial | trial ends | trial ended | trial has ended |
        trial expired | trial will end | trial period | renews | renewal | will renew | auto-renew* | cancelled |
        canceled | cancellation | cancel your | terms of service | terms and conditions | our terms | privacy policy |
        privacy notice | change to | changes to | will change | will cost | effective | takes effect | from # | notice
        period | your contract | contract | your plan | your policy | policy number | your balance | balance | points
        expire | expire on | your limit | quota | storage | usage | your data | export | download your | backup |
        invitation to join | added you | shared with you | shared a | mentioned you | commented | replied to |
        assigned | your team | workspace | welcome to | getting started | your domain | thank you for signing | thanks
        for signing | thank you for registering | thanks for joining | you signed up | you have been added |
        subscription confirmed | confirm your subscription | your inquiry | member since | your host | warranty |
        recall | recalled | safety | serial number | stop using | free of charge replacement | claim number | case
        number | application | your application | appeal | permit | licence number | your account is | account was
        created | an account was | trial of | trial started | has started | it ends on | user name | your shop is live
        | changes to your | were saved | was saved | new followers | started following | commented on |
        comment on your | a comment | wrote: | new message from | message from | sent you a message | accept the
        invitation | invited you to collaborate | invitation expires | read-only | will remind you | you moved from |
        next bill | your bill | listing expires | your report | you earned | your points | points are valid | you
        borrowed | overdue books | end of support | support ends | mortgage | right to cancel | topped up | top-up |
        was renewed | you added the | you have not signed in | we deleted your | upgraded to row | your new boarding |
        your flight | your rate after | enclose your options | under your contract | back in stock
    """,
    "answer": """
        as you asked | as requested | as you requested | you asked | you asked for | your question | your questions |
        your query | your enquiry | your inquiry | your message | your email | your mail | your call | your report |
        your complaint | your ticket | ticket | ticket # | case # | thank you for your message | thanks for your
        message | thank you for your email | thanks for your email | thank you for writing | thanks for writing |
        thanks for reporting | thank you for reporting | thanks for asking | thank you for asking | thank you for
        contacting | thanks for contacting | thanks for getting in touch | thank you for getting in touch | in reply
        to | in response to | to answer your | regarding your | you wrote | you reported | you mentioned | you are
        right | you're right | sorry for the | sorry about | apolog* | we have fixed | is fixed | fixed | the fix |
        resolved | resolve | solved | please try again | let me know if | let us know if | here is the | here are the
        | attached is | is attached | are attached | attached | please find | enclosed | quotation | quote | quote # |
        estimate | the estimate | as agreed | agreed | as discussed | discussed | for showing us | for your visit |
        below is | the answer | yes | no problem | of course | sure | our quotation | our quote | your requirements |
        you sent | you need | as you wished | on your behalf | for you on | here is what | we have a room | is still
        free | in stock | back in stock | hold one | reserves it | i can hold | you are welcome | have a nice | we
        charge # | we are open | dogs are | for twelve | for your call | we will look | looking into | i extended |
        the login stays | here is the copy | the copy of | your request | price list you | the price list | you asked
        for at | we can do the | comes to # | we offer you | many thanks for your enquiry | hold the date | bring your
        code | students get | with nuts | by wednesday how many | thank you for agreeing | thank you for your request
        | your enquiry of | enquiry of | as announced | you asked us to tell | you asked us to
    """,
    "work": """
        meeting | meetings | the meeting | minutes | action items | agenda | standup | stand-up | retro | sprint |
        backlog | roadmap | kick-off | kickoff | one-on-one | 1:1 | sync | all hands | team | the team | colleague* |
        department | office | the office | the kitchen | room | rooms | desk | the draft | draft | proofread* | please
        review | please check | please approve | please sign | please confirm | please send | please bring | please
        note | please read | could you | can you | can someone | who can | i need | we need | needs your | approve |
        approval | approved | decline | sign off | budget | forecast | quarter | q1 | q2 | q3 | q4 | numbers | figures
        | report | weekly report | spreadsheet | slides | deck | document | shared folder | folder | file | the file |
        deadline | by noon | end of day | eod | handover | hand over | on call | on-call | shift | shifts | rota |
        schedule | holiday | holidays | vacation | leave | sick | maternity | onboarding | first day | new colleague |
        training | mandatory | inventory | stock | supplier | vendor | the customer | the client | client asked |
        customer called | fyi | for your information | heads up | reminder | remember | thanks all | hi all | hi team
        | hi both | dear colleagues | dear team | hello team | everyone | proposal | version | repository | ab test |
        campaign | i will | i have | i moved | i changed | i updated | i sent | lease | landlord | clause | sign the |
        signature | signed | countersigned | the contract | contract draft | version # | v2 | v3 | v4 | week # |
        revenue | turnover | new customers | churn | mrr | return rate | open rate | conversion of | plan #k | the
        banner | headlines | the campaign | before we book | the audit* | auditors | projector | front desk | door
        code | the key | the keys | org chart | scorecard | you interviewed | running late | stuck in | without me |
        photos | the drive | on the drive | expense | travel | the offers | compared the | shortlist | cheapest | i
        would take | decision | decisions | open points | open question | update your rows | put the draft | comments
        by | need your | your comments | fill in | checklist | the sheet | the list | the old list | who took | floor
        | corridor | parking | canteen | lunch | birthday cake | farewell | out of office | i am away | sorry for |
        thank you for yesterday | condolences | sad to hear | regards | anything to add | i send it out | fine with me
        | mock exam | grades | the portal | landing page | headline | button | unsure about | the rubbish | the keys
        are | sort the | competitor watch | do we react | i suggest we | i propose to | please comment | overspent |
        ads cost | screenshot | login button | home page | blocking the | before the truck | the ramp | sale banner |
        proofread | finance approved | customer # | kam | orders above | in town | see their
        paper | interview | questions. would
    """,
    "system": """
        build | build # | builds | failed | passed | failure | deploy* | deployment | pipeline # | job | job # | cron
        | commit | branch | main | merge* | pull request | tests | test | error | errors | exception | traceback |
        stack trace | assertion* | log | logs | warning | alert | critical | severity | incident | outage | downtime |
        maintenance | scheduled maintenance | degraded | restored | monitoring | threshold | disk | memory | cpu |
        latency | server | servers | host | cluster | database | service # | uptime | http | timeout | retry | queue |
        usage # | rows | records | import | imported | synced | completed | finished | succeeded | status | nightly |
        job finished | runbook | acknowledged | resolved at | warnings | skipped | duplicates | bounced | below
        minimum | minimum # | in use | sensor* | average of | energy used | started by | rolled back | duration | hot
        fix | hotfix | environment | production | staging
    """,
    "appointment": """
        appointment | your appointment | rescheduled | moved to | moved from | is now | has moved | postponed |
        invitation: | accepted | declined | calendar | call link | join link | dial in | dial-in | interview | second
        interview | your interview | your visit | your viewing | your session | your lesson | class | classes | lesson
        | pupils | school | teacher | parents evening | parent evening | doctor | dentist | dr | clinic | surgery |
        vaccination | test results | results | prescription | hotel | flight | train | platform | arrival | departs |
        arrival time | at # | from # to # | am | pm | cet | utc | gmt | room # | bring your | please arrive | please
        bring | can you make | does that suit | could you do | mechanic | technician | engineer will | between # |
        service visit | inspection | meter reading | your child | your son | your daughter | your dog | your cat |
        your car | your bike | landlord | tenant* | tenancy | water | electricity | heating | rabies | chimney |
        required by law | no water | turned off | works on the main | the practice | has to be renewed | to make an
        appointment
    """,
    "people": """
        employment | employee | employees | benefits | enrolment | enrollment | pension | payslip | salary | wage |
        contract of employment | offer of employment | job offer | your application | applied | candidate | hiring |
        recruit* | references | probation | appraisal | performance review | timesheet* | time sheet* | hours worked |
        expense report | holiday request | leave request | annual leave | tax form | w-2 | p60 | human resources | hr
        | works council | health insurance
    """,
    "record": """
        for your records | keep this | please keep | please retain | reference | reference number | ref | transaction
        | transaction id | customer number | account number | policy | no reply is needed | no action | no action is
        needed | do not reply | automated message | automatic* | this is an automated | this email is the | serves as
        | proof of | if you have already | if you have paid | contact support | questions about this | do not need to
        do | nothing else changes | stay the same | date | date: | amount | amount: | number | description | period |
        issued
    """,
}

# Phrases that honest and selling mail both use: they vote, but under a name (and weight) of their own.
AMBIGUOUS = """
    % discount | # discount | discount* | coupon* | offer* | sale | bonus | rewards | instead of | # for # | early
    bird* | promo | voucher code | discount code | gift card | deal | loyalty points | cashback | free shipping |
    free delivery | steal | normal price | our offer | we take # | until sunday | until friday | until monday |
    until saturday | before friday | before sunday | by sunday | this weekend | order by | # days left | closes soon
    | expires soon | # hours left | get started | reserve now | reserve your | book your | learn more | find out
    more | have a look | take a look | check out | activate your | see plans | choose your plan | view plans |
    checkout now | unlock your | complete your order | download now | start now | explore the | view now | yes
    please | complete the purchase | congratulations | winner | you won | prize* | you left | interested in | would
    you like | your cart | your basket | complete your | lucky | eligible for | launch | launches | launching |
    collection | opens | now open | announcement | announce | available now | now available | is here | are here |
    early access | exclusive* | coming soon | what's new | new feature* | my name is | i'm with | i work with | i
    work at | we make | we run | we build | we sell | leads | pipeline | conversion* | opportunity | traffic | rank*
    on google | investment | invest | returns | interest rate | loan* | scale* | growth | competitive | affordable |
    price list | samples | demo | brochure | catalogue | pilot | pain | more information | mobile app* | collaborat*
    | partnership | did you know | seo | outsourc* | our service | our services | our customers | our platform | our
    product | our software | our tool | imagine | free of charge | good fit | high quality | most teams |
    walkthrough | glad to send | happy to send | # minutes | # minute | ten minutes | fifteen minutes | twenty
    minutes | thirty minutes | half an hour | a call | shall i | shall we | should i | can i send | just reply |
    reply with | interested | next week | tomorrow | meet up | coffee | begin | how about | book a | show you |
    would love | happy to | hear from you | schedule a | are you free | are you available | do you have time | still
    open | had a chance | checking in | check in with you | follow up | follow-up | my email | my earlier | my
    previous | slipped | missed you | as promised | nudge | did you see | did you read | weekly | monthly | this
    week | this month | article | articles | how to | news | stories | release* | tips | recipe | recipes | column |
    read more | episode | follow us | summari* | edition | subscribers | trends | newsletter | newsletters | notable
    | # things | # reasons | the week in | this week in | workshop* | register* | registration | tickets | places |
    agenda | party | concert | festival | conference | summit | celebrate | webinar* | exhibition | join our |
    speakers | lineup | line-up | celebration | invitation to | expo | survey | surveys | poll | rating | how was |
    review your | take a moment | two minutes | # questions | satisfied | tell us how | tell us about | tell us what
    | let us know how | let us know what | share your | questionnaire | friends | your friend | refer | earn # |
    earn | give # | commission | referral | referrals | it's been | long time | come back | welcome back | still
    there | reconnect | goodbye | been a while | return to | upgrade | upgrade to | premium | pro plan | plus plan |
    business plan | yearly plan | annual plan | annual billing | unlimited | insurance | add more | accessories |
    bundle* | move to | switch to | enjoying | hope you | running out | free plan | reached your limit | more
    features | extended warranty | free | enjoy | love | best | gift* | hot | beautiful | perfect | style | surprise
    | curated | dream | handmade | adventure | unsubscribe | manage preferences | email preferences | view in
    browser | view online | web version | all rights reserved | you are receiving this | you're receiving this | you
    received this because | in your browser | hi there | hey | hey there | dear customers | dear guests | dear
    members | item | items | collected | quantity | check in | your ticket* | seat # | gate | substitut* | refund |
    refunds | total | deposit | tax | paid | statement | billing | invoice | invoices | transfer* | credit card |
    expense* | net | receipt | payment of | delivered | package | parcel | delivery | delayed | on the way | arrives
    | arriving | carrier | tracking | verify | token | tokens | requested a | confirm your | locked | log in | sign
    in | valid for | expires | access to | certificate* | is valid | one time | permission* | change to | changes to
    | our terms | renewal | warranty | contract | from # | safety | your policy | your plan | balance | assigned |
    usage | effective | application | getting started | welcome to | export | your team | your profile | quote |
    estimate | yes | fixed | sure | of course | agreed | discussed | as agreed | as discussed | attached | regarding
    your | your email | your question | you mentioned | you need | resolved | resolve | solved | ticket | your
    website | here is the | here are the | minutes | training | leave | team | the team | document | file | i have |
    can you | could you | new colleague | onboarding | schedule | report | numbers | we need | i need | room |
    office | desk | approved | meeting | meetings | version | stock | holiday | campaign | reminder | shift |
    everyone | remember | slides | department | proposal | folder | figures | quarter | approve | roadmap | deadline
    | budget | the office | colleague* | status | error | errors | warning | alert | critical | host | test | tests
    | log | logs | usage # | completed | finished | service # | rows | records | branch | main | job | severity |
    your dog | your cat | your car | train | am | pm | at # | class | classes | school | room # | hotel | doctor |
    flight | lesson | calendar | is now | water | platform | results | appointment | your appointment | your visit |
    your session | heating | electricity | between # | from # to # | number | date | amount | period | description |
    reference | policy | automatic* | issued | amount: | date: | benefits | employees | hiring | recruit* | applied
    | # % | special | now # | only # | just # | for only | savings | cheaper | starting at | usually | normally |
    recommended | recommendation | costs # | an offer | supply | margin | looking for | finding | probably |
    references | on request | obligation | do you need | if you need | your company | your business | your clients |
    your employees | your budget | cost of | costs of | half the | perhaps you | in a week | within a week | agency
    | saves time | save time | more time | your team could | join us | invitation | refer a | tell your friends |
    leave a review | invited you | early bird | pre order | sorry to see you go | tonight | order before | ends in |
    coupon | hurry | for your business | no credit card | for free | money back | we noticed | extend your | get the
    most | waive* | pay now | activate | sign up | shop | shop again | call us today | joining fee | first month |
    worth # | come and | visit our | since then | in charge | assume that | talked about | as i said | hold the |
    last order | last visit | you cancelled | by hand | strong | fresh | faster | classic | made from | picked |
    protection | covers | yearly | other customers | guide | fair | talks | bands | reading | analysts | founder |
    no # | top # | give feedback | i sent | i will | please read | please confirm | shifts | planning | holidays |
    rooms | first day | spreadsheet | floor | lunch | signed | signature | decision | regards | travel | without me
    | cheapest | photos | case # | ticket # | you asked | you asked for | please find | your report | order # | your
    order | order no | payment received | account statement | keep this | code is | verification code | security
    alert | security notice | security code | shipping confirmation | shipped | dr | interview | cet | wrote: |
    storage | your request | version # | revenue | new customers | sorry for | in stock | in use | at no cost | take
    it | use code | use the code | enter code | would tuesday | would wednesday | would thursday | your feedback on
    | quick one | # instead | hall # | stand # | part # | is out | new on | under # | customer # | button | headline
    | questions. would | no interest | your balance | you booked | pick-up | you pay # | choose from | costs nothing
    | clause | permit | parking | i manage | in your inbox | been able to | next steps | you said | has been | have
    been | you were | is ready | is due | is open | was sent | per month | a month | pick up | your contract | our
    quote | depot | comes to # | photo book | use it too | your fleet | once more | another message | your seat |
    claim | call # | entitled to | notes from | impressed by | speak with | starts at | download it | boost* | i
    read that | i give | is hard
"""
