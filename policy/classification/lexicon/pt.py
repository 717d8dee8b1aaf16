"""Portuguese."""

PHRASES = {
    "discount": """
        desconto* | % de desconto | % off | % mais barato | oferta* | promoção | promoções | cupom | cupão | código
        promocional | economize | poupe | poupança | grátis | de graça | gratuito* | sem custo | presente* | brinde* |
        frete grátis | portes grátis | metade do preço | preço especial | a partir de # | em vez de | liquidação |
        saldos | queima de | leve # | por apenas | por só | comissão | por pessoa | a partir de | café da manhã |
        primeira compra | sem anuidade | é grátis | ganhe | de volta
    """,
    "urgency": """
        só hoje | somente hoje | apenas hoje | até meia-noite | última chance | última oportunidade | últimos dias |
        últimas horas | últimas vagas | últimas unidades | não perca | enquanto durar | durarem os estoques | tempo
        limitado | vagas limitadas | corra | termina hoje | neste fim de semana | este fim de semana | até domingo |
        até sexta | se fechar | se assinar | só esta semana | restam | acaba
    """,
    "buy": """
        compre agora | compre já | comprar agora | compre | comprar | aproveite | aproveita | garanta | garante já |
        peça já | encomende | descubra | conheça | confira | ver oferta* | reserve | inscreva-se | cadastre-se |
        assine | experimente | teste grátis | comece | contrate | ir para a loja | loja | com o código | use o código
        | use o cupom | saiba mais | participe | resgate | clique aqui | reserve até | peça agora | finalize |
        finalize hoje | ligue agora | fuja | venha provar
    """,
    "prospect": """
        espera por você | esperando por você | reservado para | selecionad* | escolhido | você ganhou | ganhou |
        sorteio | prêmio* | prémio* | parabéns | seu carrinho | carrinho | ainda não | se tiver interesse | caso tenha
        interesse | interessad* | antes de ir | separado para | foi selecionada | ainda não finalizado | separamos
        para | pode pagar | não finalizado
    """,
    "launch": """
        nova coleção | novidade* | nosso novo | nossa nova | nossos novos | já disponível | chegou | chegaram | acaba
        de chegar | apresentamos | lançamento* | lançamos | exclusiv* | inauguração | pré-venda | conheça o novo
    """,
    "pitch": """
        ajudamos | ajudo | nossa solução | nosso software | nossa plataforma | nosso sistema | nosso serviço | nossos
        serviços | nossa equipe | nossa equipa | nossos clientes | nossos consultores | uma cliente | um cliente |
        clientes como | empresas como | negócios como | como a sua | como o seu | sua empresa | seu negócio | sua loja
        | seu restaurante | sua padaria | sua clínica | vi que | reparei | notei | meu nome é | me chamo | chamo-me |
        escrevo | entro em contato | entrar em contato | oferecemos | somos especialistas | especialista* | líder* |
        caso de sucesso | dobrou | dobrar | duplicar | aumentar | aumentou | reduzir | economizar tempo | mais
        clientes | mais vendas | vender | sem compromisso | sem fidelidade | orçamento grátis | parceria |
        investimento | rendimento | crédito | empréstimo | a maioria | imagine | sabia que | catálogo | amostra* |
        demonstração | uma ideia para | sua conta de luz | nosso consultor | painéis solares | marketing para |
        clínicas | aumentou a | especialistas em | analisamos
    """,
    "ask": """
        # minutos | quinze minutos | dez minutos | vinte minutos | uma ligação | ligar | ligo | uma chamada |
        telefonar | uma conversa | conversar | bate-papo | reunião rápida | tem um momento | teria | posso | podemos |
        pode ser | uma demo | mostrar | apresentar | explicar | próxima semana | semana que vem | amanhã | o que acha
        | que tal | agendar | café | visite | quando posso | vai ligar | podemos conversar | posso ligar
    """,
    "chase": """
        meu último | meu e-mail | minha mensagem | meu contato | escrevi | volto a escrever | retomando | retorno |
        conseguiu ver | teve chance | pôde ver | não tive resposta | sem resposta | última tentativa | uma última vez
        | ainda tem interesse | caso não tenha visto
    """,
    "newsletter": """
        newsletter | boletim | edição | esta semana | desta semana | este mês | nesta edição | leia mais | continue
        lendo | ler mais | artigo* | notícias | blog | podcast | episódio | dicas | receita* | tendências | inspiração
        | caros leitores | resumo* | semanal | mensal | seções regulares | notáveis | boa leitura | uma entrevista |
        três receitas | leia mais no blog
    """,
    "event": """
        convite | convidamos | convidado* | você está convidado | feira | estande | stand | webinar* | conferência |
        congresso | oficina | workshop* | palestra* | portas abertas | show | festival | degustação | inscrição |
        inscrições | vagas | palestrantes | venha | participe | esperamos você | esperamos por
    """,
    "survey": """
        pesquisa | questionário | sua opinião | a sua opinião | avalie | avaliação | avaliar | recomendaria |
        satisfação | satisfeit* | alguns minutos | # perguntas | perguntas | ajude-nos | conte para | responda
    """,
    "referral": "convide | seus amigos | um amigo | uma amiga | amigo* | indique | indicação | convidou você | indicou",
    "winback": """
        sentimos sua falta | saudades | saudade | volte | faz tempo | há quanto tempo | bem-vindo de volta | desde sua
        última | não vemos você
    """,
    "upsell": """
        faça upgrade | upgrade | mude para | passe para | premium | plano anual | plano superior | versão pro |
        ilimitad* | desbloqueie | mais espaço | amplie | garantia estendida | seguro | acessórios | melhore seu plano
    """,
    "hype": """
        incrível | incríveis | imperdível | imperdíveis | único | perfeito* | perfeita* | melhores | melhor | favorit*
        | irresistível | exclusivo* | curta | desfrute | surpresa | luxo | sonho* | ideal | maravilhos*
    """,
    "bulk": """
        descadastrar | cancelar inscrição | cancelar a inscrição | cancelar subscrição | ver no navegador | não deseja
        receber | não quer mais receber | publicidade
    """,
    "crowd": """
        prezados clientes | caros clientes | queridos clientes | queridos amigos | olá a todos | caro empresário |
        caro cliente | amantes de
    """,
    "order": """
        seu pedido | o seu pedido | pedido # | número do pedido | confirmação de pedido | confirmação do pedido |
        resumo do pedido | obrigado pela sua compra | obrigado pela compra | obrigada pela | obrigado por comprar |
        sua compra | sua reserva | reserva confirmada | encomenda | a sua encomenda | ordem de serviço | ingresso* |
        bilhete* | quantidade | cancelad* | pronto para retirada | retirar | retirado | pronto
    """,
    "paid": """
        fatura* | recibo* | nota fiscal | subtotal | total | valor | pago | pagamento | pagamento recebido | recebemos
        o | recebemos seu | boleto | cobrança | débito | transferência | pix | vencimento | vencida | vence | em
        atraso | reembolso | estorno | cartão | holerite | extrato | multibanco | nif
    """,
    "shipping": """
        enviado | foi enviado | envio | entrega | entregue | será entregue | pacote | rastreamento | rastreio | código
        de rastreio | transportadora | a caminho | chegará | endereço de entrega | saiu para entrega | correios |
        despachad* | pedido foi enviado | notificação de envio
    """,
    "security": """
        senha | palavra-passe | redefinir | redefinição | código de verificação | código de segurança | seu código |
        uso único | confirme seu | confirme sua | confirmar | verifique | verificação | login | entrar | acesso |
        dispositivo | bloquead* | desbloque* | se você não | se não foi você | não solicitou | solicitou | solicitação
        | ignore este | expira | válido | não compartilhe | segurança | instruções
    """,
    "account": """
        sua conta | a sua conta | seus dados | seu perfil | foi alterad* | foi modificad* | foi atualizad* | foi
        criad* | excluíd* | cancelamento | renovação | será renovad* | termos | condições | política de privacidade |
        mudança de | alteração | a partir de # | contrato | seu contrato | seu plano | período de teste | teste
        termina | número de cliente | bem-vindo | garantia | recall | cadastro | assinatura | foi criada | entre com |
        complete o seu perfil | conta foi criada
    """,
    "answer": """
        sua solicitação | seu pedido de | sua pergunta | sua dúvida | como solicitado | como pediu | conforme
        solicitado | conforme combinado | você pediu | você perguntou | em resposta | obrigado pela mensagem |
        obrigado pelo contato | sua mensagem | seu contato | em anexo | segue anexo | segue | anexo | orçamento |
        orçamento # | solicitado | desculpe* | lamentamos | resolvido | corrigido | chamado | infelizmente | ainda
        temos | posso reservar | pode trazer
    """,
    "work": """
        reunião | ata | pauta | colega* | equipe | equipa | escritório | sala | por favor revise | revisar | aprovar |
        aprovação | pode enviar | você pode | podes | poderia | rascunho | relatório | planilha | documento* | férias
        | turno | treinamento | formação | o cliente | para conhecimento | lembrete | trimestre | números | assinar |
        prazo | olá equipe | pessoal | proprietário | assinatura | cláusula | está boa | abraço
    """,
    "system": """
        falhou | falha | erro* | manutenção | pane | incidente | interrupção | restabelecid* | servidor | backup |
        concluíd* | alerta | status
    """,
    "appointment": """
        consulta | sua consulta | agendamento | remarcad* | adiad* | aula* | turma | escola | pais | médico | doutor*
        | dentista | exame | resultados | oficina | carro | técnico | trem | voo | embarque | partida | chegada |
        quarto | hotel | entrevista | candidatura | condomínio | segunda-feira | terça-feira | quarta-feira |
        quinta-feira | horário | às #h | #h
    """,
    "people": """
        funcionári* | salário | holerite | contrato de trabalho | sua candidatura | vaga de | recursos humanos |
        processo seletivo | atestado | ponto eletrônico
    """,
    "record": """
        guarde | para seus registros | referência | referente | número | data | mensagem automática | automático | não
        responda | nenhuma ação | se já | comprovante
    """,
}

# Phrases that honest and selling mail both use: they vote under a name of their own.
AMBIGUOUS = """
    oferta* | desconto* | grátis | gratuito* | presente* | brinde* | cupom | a partir de # | em vez de | comissão |
    até domingo | até sexta | este fim de semana | loja | saiba mais | comprar | reserve | participe | confira |
    conheça | parabéns | selecionad* | ainda não | carrinho | ganhou | novidade* | lançamento* | chegou | exclusiv*
    | meu nome é | escrevo | vi que | nossa equipe | nossos clientes | oferecemos | líder* | aumentar | reduzir |
    crédito | investimento | catálogo | parceria | um cliente | uma cliente | vender | # minutos | dez minutos |
    quinze minutos | amanhã | próxima semana | semana que vem | posso | podemos | reunião rápida | explicar |
    mostrar | café | retorno | esta semana | este mês | artigo* | notícias | dicas | resumo* | semanal | mensal |
    edição | boletim | newsletter | receita* | inscrição | vagas | oficina | conferência | convite | webinar* | show
    | pesquisa | perguntas | # perguntas | avaliação | amigo* | um amigo | volte | faz tempo | premium | seguro |
    ilimitad* | melhor | melhores | único | perfeito* | publicidade | olá a todos | total | valor | cartão |
    pagamento | fatura* | entrega | envio | pacote | a caminho | acesso | válido | segurança | confirmar | contrato
    | garantia | sua conta | assinatura | orçamento | orçamento # | solicitado | anexo | segue | equipe | escritório
    | sala | documento* | consulta | aula* | hotel | pronto | número | data | status | pedido # | seu pedido | pode
    ser | plano anual | feira | agendamento | dentista | entrevista | a sua conta | encomenda | confirmação de
    pedido | por pessoa | a partir de | ganhe
"""
